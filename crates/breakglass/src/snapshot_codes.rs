//! What the codes of errors in reading a snapshot mean. The errors themselves are those of `breakglass_adapters`.

use crate::codes::ErrorCode;

pub(crate) const CODES: &[ErrorCode] = &[
    ErrorCode {
        code: "BG1001",
        title: "a file or folder cannot be read",
        explanation: "What was given with `--snapshot` is not there, or this user may not read it, or reading it broke \
                      off. The reason of the system is shown below the message. Check the path and the permissions.",
    },
    ErrorCode {
        code: "BG1002",
        title: "the path is neither a file nor a folder",
        explanation: "`--snapshot` takes a regular file or a folder. To read from a pipe give `-` and pass the snapshot \
                      on standard input; it must then be in the format `breakglass-snapshot/1`.",
    },
    ErrorCode {
        code: "BG1003",
        title: "the folder is too large",
        explanation: "The folder has more files, or folders nested deeper, than an export has. A folder above the \
                      export was probably given: name the folder of the export itself.",
    },
    ErrorCode {
        code: "BG1004",
        title: "the folder has no file that is read",
        explanation: "In a folder only files named `*.json` and `*.ndjson` are read, hidden ones not. There is none. \
                      Name the folder into which the export was written.",
    },
    ErrorCode {
        code: "BG1005",
        title: "nothing that was read is part of a snapshot",
        explanation: "The files were read, and none of them holds users, groups, policies or anything else that a \
                      snapshot has. What a file holds is told by its `@odata.context`, else by the `@odata.type` of \
                      its objects, else by its own name or its folder's (`users`, `groups`, \
                      `conditionalAccessPolicies`), else by its shape. The message says what was found instead.",
    },
    ErrorCode {
        code: "BG1006",
        title: "a file is not JSON",
        explanation: "The file has a mistake at the line that the message names. Text in UTF-8 is read, and text in \
                      UTF-16 if it begins with a byte order mark. Correct the file or export it again.",
    },
    ErrorCode {
        code: "BG1007",
        title: "a file ends too early",
        explanation: "The file stops in the middle of a value: the export was cut off, or the disk was full. What is in \
                      it is not used, because a list that is cut short looks like a tenant with fewer users and fewer \
                      policies. Export it again.",
    },
    ErrorCode {
        code: "BG1008",
        title: "a file or an object in it is too large",
        explanation: "Something in the file is beyond the limits of what is read: one object, the nesting, or the number \
                      of objects. Write one object a line into a file named `*.ndjson`, or split the file. Nothing \
                      that Graph writes is nested as deep as the limit: such a file is damaged, or something else.",
    },
    ErrorCode {
        code: "BG1009",
        title: "an object is not what Graph writes",
        explanation: "A property has the wrong type; the message names its path. A known property of the wrong type is \
                      refused, because guessing at it could turn a broken tenant into a good one. Properties that are \
                      not known are kept and do no harm. A common cause is PowerShell: `ConvertTo-Json` writes what is \
                      nested deeper than its `-Depth` as text. Export again with `-Depth 100`.",
    },
    ErrorCode {
        code: "BG1010",
        title: "an object is there twice and differs",
        explanation: "Two files hold an object with the same id that is not the same: the folder mixes exports of \
                      different times, or of different tenants. Keep one of them.",
    },
    ErrorCode {
        code: "BG1011",
        title: "the snapshot is of a later version",
        explanation: "The snapshot says that it has a format which this version does not know. Use a version of \
                      breakglass that is at least as new as the one that wrote it.",
    },
    ErrorCode {
        code: "BG1012",
        title: "the snapshot does not say its format",
        explanation: "The file has the lists of a snapshot and no `format` at its top level. Without it nobody can say \
                      what a list that is absent means. Write `\"format\": \"breakglass-snapshot/1\"` into it.",
    },
];
