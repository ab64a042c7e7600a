//! The files of the pages, as they are built into the programs.

/// Which program's pages are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// The server's.
    Frps,
    /// The client's.
    Frpc,
}

/// A name and what stands under it.
type Entry = (&'static str, &'static [u8]);

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!("../static/", $folder, "/", $name)))),+]
    };
}

const SHARED: &[Entry] = files!("shared":
    "api.js", "chart.js", "dom.js", "format.js", "icon.svg", "live.js", "router.js", "shell.js",
    "style.css", "ui.js",
);

const FRPS: &[Entry] = files!("frps":
    "client.js", "clients.js", "index.html", "main.js", "overview.js", "proxies.js", "proxy.js",
    "rows.js",
);

const FRPC: &[Entry] = files!("frpc":
    "config.js", "detail.js", "edit.js", "fields.js", "form.js", "index.html", "main.js",
    "overview.js", "proxies.js", "store.js", "visitors.js",
);

impl Product {
    /// A file of this program's pages.
    pub(crate) fn file(self, name: &str) -> Option<&'static [u8]> {
        let own = match self {
            Self::Frps => FRPS,
            Self::Frpc => FRPC,
        };
        let mut all = own.iter().chain(SHARED);
        all.find(|(known, _)| *known == name)
            .map(|(_, bytes)| *bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// Bytes that one program's pages may have: what a slow line loads in a second or two.
    const LIMIT: usize = 200_000;

    fn names(entries: &[Entry]) -> BTreeSet<String> {
        entries.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    #[test]
    fn every_file_is_built_in_under_a_name_of_its_own() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
        for (folder, entries) in [("shared", SHARED), ("frps", FRPS), ("frpc", FRPC)] {
            let there = fs::read_dir(root.join(folder)).unwrap();
            let there: BTreeSet<String> = there
                .map(|file| file.unwrap().file_name().into_string().unwrap())
                .collect();
            assert_eq!(there, names(entries), "{folder}");
        }
        assert!(names(SHARED).is_disjoint(&names(FRPS)));
        assert!(names(SHARED).is_disjoint(&names(FRPC)));
    }

    #[test]
    fn the_pages_are_small() {
        for own in [FRPS, FRPC] {
            let size: usize = own.iter().chain(SHARED).map(|(_, bytes)| bytes.len()).sum();
            assert!(size < LIMIT, "{size}");
        }
    }

    #[test]
    fn what_a_module_imports_is_there() {
        for product in [Product::Frps, Product::Frpc] {
            let own = if product == Product::Frps { FRPS } else { FRPC };
            for (name, bytes) in own.iter().chain(SHARED) {
                let text = std::str::from_utf8(bytes).unwrap();
                for (_, rest) in text
                    .match_indices(" from './")
                    .map(|(at, m)| text.split_at(at + m.len()))
                {
                    let (file, _) = rest.split_once('\'').unwrap();
                    assert!(product.file(file).is_some(), "{name} imports {file}");
                }
            }
        }
    }
}
