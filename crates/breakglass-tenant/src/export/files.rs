//! Files: one record a line, in a file for each category and hour.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Category, DeliveryError, Destination, Exported};

/// A folder, as Azure Monitor fills a storage account.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    tenant: String,
    /// One delivery at a time.
    one: Mutex<()>,
}

impl Files {
    /// In a folder, for the tenant of an id. The folder is made when there is something to write.
    #[must_use]
    pub fn new(folder: &Path, tenant: &str) -> Self {
        Self { folder: folder.to_owned(), tenant: tenant.to_owned(), one: Mutex::new(()) }
    }

    fn write(&self, record: &Exported) -> io::Result<()> {
        let path = self.path(record.category, record.at);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        let line = format!("{}\n", record.record);
        OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())
    }

    fn path(&self, category: Category, at: Timestamp) -> PathBuf {
        let at = at.to_zoned(TimeZone::UTC);
        let hour = [
            category.hub().to_owned(),
            format!("tenantId={}", self.tenant),
            format!("y={:04}", at.year()),
            format!("m={:02}", at.month()),
            format!("d={:02}", at.day()),
            format!("h={:02}", at.hour()),
            "m=00".to_owned(),
            "PT1H.json".to_owned(),
        ];
        self.folder.join(hour.iter().collect::<PathBuf>())
    }
}

impl Destination for Files {
    fn deliver(&self, records: &[Exported]) -> Result<(), DeliveryError> {
        let _one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        records.iter().try_for_each(|record| self.write(record)).map_err(DeliveryError::Folder)
    }
}

#[cfg(test)]
mod tests {
    use super::{Category, Files};

    #[test]
    fn a_file_is_of_a_category_and_an_hour() {
        let files = Files::new("logs".as_ref(), "t");
        let path = files.path(Category::NonInteractiveUserSignInLogs, "2026-01-02T03:59:59Z".parse().unwrap());
        let expected =
            "logs/insights-logs-noninteractiveusersigninlogs/tenantId=t/y=2026/m=01/d=02/h=03/m=00/PT1H.json";
        assert_eq!(path.to_str().unwrap(), expected);
    }
}
