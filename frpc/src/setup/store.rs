//! The store: proxies and visitors that were added while the client ran, and their file
//! (config 2.8).

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use culvert_conf::{ConfigError, Defined, Definition, DefinitionError, Definitions};

/// The largest file that is read, as for configurations.
const LONGEST: u64 = 16 << 20;

/// The file of the store cannot be used; it is left as it is.
#[derive(Debug, thiserror::Error)]
#[error("failed to create store source: failed to load existing data: {}: {reason}", path.display())]
pub struct StoreError {
    path: PathBuf,
    reason: StoreFault,
}

#[derive(Debug, thiserror::Error)]
enum StoreFault {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the file is larger than {LONGEST} bytes, the most that is read")]
    TooLarge,
    #[error(transparent)]
    Content(#[from] DefinitionError),
}

/// A change of the store.
#[derive(Debug)]
pub(crate) enum Edit {
    /// One more entry.
    Create(Definition),
    /// Another entry of the same name.
    Update(Definition),
    /// One entry less.
    Delete(Defined, String),
}

impl fmt::Display for Edit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, what, name) = match self {
            Self::Create(new) => ("created", new.what(), new.name()),
            Self::Update(new) => ("updated", new.what(), new.name()),
            Self::Delete(what, name) => ("deleted", *what, &**name),
        };
        write!(f, "{done} {} {name:?}", what.as_str())
    }
}

/// Why a change was not made, in upstream's words.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditError {
    /// Policy: there is no store.
    #[error("store disabled: store API is disabled")]
    Disabled,
    /// Policy: the entry cannot be meant.
    #[error("invalid argument: validation error: {0}")]
    Invalid(DefinitionError),
    /// Policy: the name is taken.
    #[error("conflict: already exists: {} {name:?}", what.as_str())]
    Exists {
        /// What was to be created.
        what: Defined,
        /// Its name.
        name: String,
    },
    /// Policy: there is no such entry. Upstream says it twice.
    #[error("not found: not found: {} {name:?}", what.as_str())]
    Missing {
        /// What was to be changed.
        what: Defined,
        /// Its name.
        name: String,
    },
    /// World: the file cannot be written.
    #[error("apply config failed: failed to write the store: {0}")]
    Write(#[source] io::Error),
    /// Policy: another entry of the store cannot be meant.
    #[error("apply config failed: failed to apply config: {0}")]
    Apply(#[source] ConfigError),
}

/// What the store holds, and where it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    path: PathBuf,
    entries: Definitions,
}

impl Store {
    /// Reads the store at `path`; without a file it is empty. Blocks.
    ///
    /// # Errors
    /// The file cannot be read or understood. It is not touched.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let entries = read(path).map_err(|reason| StoreError {
            path: path.to_owned(),
            reason,
        })?;
        Ok(Self {
            path: path.to_owned(),
            entries,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) const fn entries(&self) -> &Definitions {
        &self.entries
    }

    /// The store after `edit`.
    pub(super) fn with(&self, edit: &Edit) -> Result<Self, EditError> {
        let mut next = self.clone();
        let (what, name, new) = match edit {
            Edit::Create(new) | Edit::Update(new) => (new.what(), new.name(), Some(new)),
            Edit::Delete(what, name) => (*what, &**name, None),
        };
        if let Some(new) = new {
            new.check().map_err(EditError::Invalid)?;
        }
        let list = next.entries.list_mut(what);
        let at = list.iter().position(|known| known.name() == name);
        let name = name.to_owned();
        match (edit, at) {
            (Edit::Create(_), Some(_)) => return Err(EditError::Exists { what, name }),
            (Edit::Update(_) | Edit::Delete(..), None) => {
                return Err(EditError::Missing { what, name });
            }
            (_, Some(at)) => drop(list.remove(at)),
            (_, None) => {}
        }
        list.extend(new.cloned());
        list.sort_by_cached_key(|entry| entry.name().to_owned());
        Ok(next)
    }

    /// Writes the file, all of it or nothing. Blocks.
    pub(super) fn write(&self) -> io::Result<()> {
        let text = serde_json::to_string_pretty(&self.entries).map_err(io::Error::other)?;
        culvert_program::write_whole(&self.path, text.as_bytes())
    }
}

fn read(path: &Path) -> Result<Definitions, StoreFault> {
    use io::Read;
    let file = match fs::File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Definitions::default()),
        opened => opened?,
    };
    let mut text = String::new();
    file.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST {
        return Err(StoreFault::TooLarge);
    }
    if text.is_empty() {
        return Ok(Definitions::default());
    }
    Ok(Definitions::parse_store(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(name: &str, port: u16) -> Definition {
        let text = format!(
            r#"{{"name":{name:?},"type":"tcp","tcp":{{"localPort":1,"remotePort":{port}}}}}"#
        );
        Definition::parse(Defined::Proxy, &text, None).unwrap()
    }

    fn folder(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("frpc-store-{name}-{}", std::process::id()))
    }

    #[test]
    fn entries_are_created_changed_and_deleted_once() {
        let folder = folder("edits");
        let path = folder.join("store.json");
        let store = Store::open(&path).unwrap();
        let store = store.with(&Edit::Create(proxy("b", 1))).unwrap();
        let store = store.with(&Edit::Create(proxy("a", 2))).unwrap();
        store.write().unwrap();
        let store = Store::open(&path).unwrap();
        let names: Vec<_> = store
            .entries()
            .proxies
            .iter()
            .map(Definition::name)
            .collect();
        assert_eq!(names, ["a", "b"]);
        let error = store.with(&Edit::Create(proxy("a", 2))).unwrap_err();
        assert_eq!(error.to_string(), "conflict: already exists: proxy \"a\"");
        let error = store.with(&Edit::Update(proxy("c", 2))).unwrap_err();
        assert_eq!(error.to_string(), "not found: not found: proxy \"c\"");
        let error = store.with(&Edit::Create(proxy("c", 2)));
        assert_eq!(error.unwrap().entries().proxies.len(), 3);
        let edit = Edit::Delete(Defined::Proxy, "a".to_owned());
        assert_eq!(edit.to_string(), "deleted proxy \"a\"");
        let store = store.with(&edit).unwrap();
        let store = store
            .with(&Edit::Delete(Defined::Proxy, "b".to_owned()))
            .unwrap();
        store.write().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_is_damaged_is_told_and_kept() {
        let path = folder("damaged");
        for (text, reason) in [
            ("{\"proxies\": [", "failed to parse JSON: "),
            (
                r#"{"proxies":[{"name":"a","type":"x"}]}"#,
                "failed to decode proxy at index 0: ",
            ),
        ] {
            fs::write(&path, text).unwrap();
            let error = Store::open(&path).unwrap_err().to_string();
            let start = "failed to create store source: failed to load existing data: ";
            assert!(
                error.starts_with(start) && error.contains(reason),
                "{error}"
            );
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        fs::remove_file(path).unwrap();
    }
}
