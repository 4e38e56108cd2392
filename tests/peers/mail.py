"""Takes mail with a server that other people wrote, and reads a file of mail as Python does.

    mail.py serve CERTIFICATE KEY USER PASSWORD
        starts `aiosmtpd` of PyPI twice, with STARTTLS and with TLS from the first byte, on free ports of
        this machine, until its input ends. It prints the ports, and then a line for each mail that comes;
        the first time that a mail comes, it is sent away with 451.
    mail.py read FILE
        prints the letters of an mbox.

Everything that is printed is JSON.
"""

import asyncio
import email
import email.policy
import json
import mailbox
import ssl
import sys

HOST = "127.0.0.1"


def told(message):
    """A letter, as far as it is compared."""
    return {
        "id": message["message-id"],
        "to": message["to"],
        "bcc": message["bcc"],
        "subject": message["subject"],
        "auto_submitted": message["auto-submitted"],
        "text": message.get_content(),
    }


def put(value):
    print(json.dumps(value), flush=True)


class Mailroom:
    """What the server does with a mail."""

    def __init__(self):
        self.seen = set()

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        put(told(message))
        # By the server's own port, since both are given the same mail.
        which = server.transport.get_extra_info("sockname"), message["message-id"]
        if which in self.seen:
            return "250 2.0.0 taken"
        self.seen.add(which)
        return "451 4.7.1 come again"


async def serve(certificate, key, user, password):
    # Only here: `read` needs nothing but Python.
    from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    known = LoginPassword(user.encode(), password.encode())

    def authenticator(server, session, envelope, mechanism, given):
        return AuthResult(success=given == known, handled=False)

    mailroom, loop = Mailroom(), asyncio.get_running_loop()
    common = {"hostname": "peer", "authenticator": authenticator, "auth_required": True, "loop": loop}

    def starttls():
        return SMTP(mailroom, tls_context=context, require_starttls=True, **common)

    def tls():
        # It does not see the TLS that is below it.
        return SMTP(mailroom, auth_require_tls=False, **common)

    servers = {
        "starttls": await loop.create_server(starttls, HOST, 0),
        "tls": await loop.create_server(tls, HOST, 0, ssl=context),
    }
    put({name: server.sockets[0].getsockname()[1] for name, server in servers.items()})
    await loop.run_in_executor(None, sys.stdin.read)


def read(path):
    def letter(file):
        return email.message_from_binary_file(file, policy=email.policy.default)

    put([told(message) for message in mailbox.mbox(path, factory=letter, create=False)])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", *settings]:
            asyncio.run(serve(*settings))
        case ["read", path]:
            read(path)
        case _:
            sys.exit(__doc__)
