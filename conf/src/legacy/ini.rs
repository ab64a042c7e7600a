//! The text of the legacy format: sections, keys and values as upstream's reader takes them
//! (Go `gopkg.in/ini.v1` with boolean keys and without inline comments).

/// The section of the program itself.
pub(super) const COMMON: &str = "common";

/// The section of keys that stand before the first one.
pub(super) const DEFAULT: &str = "DEFAULT";

/// A section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// Its name.
    pub name: String,
    /// The line of its first header.
    pub line: u32,
    /// Its keys in their order; each once.
    pub keys: Vec<Entry>,
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The key; upper and lower case differ.
    pub key: String,
    /// The value; `true` for a key that stands alone.
    pub value: String,
    /// The line.
    pub line: u32,
}

impl Section {
    /// The entry of `key`.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.keys.iter().find(|entry| entry.key == key)
    }

    /// The value of `key`; empty if it is not written.
    pub(super) fn get(&self, key: &str) -> &str {
        self.entry(key).map_or("", |entry| entry.value.as_str())
    }

    /// Sets a key; the last value counts.
    pub(super) fn set(&mut self, entry: Entry) {
        match self.keys.iter_mut().find(|known| known.key == entry.key) {
            Some(known) => *known = entry,
            None => self.keys.push(entry),
        }
    }
}

/// Reads the sections of `text`; `None` if it is not of this format.
pub(super) fn sections(text: &str) -> Option<Vec<Section>> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut all = vec![Section {
        name: DEFAULT.to_owned(),
        line: 1,
        keys: Vec::new(),
    }];
    let mut current = 0;
    let mut lines = (1..).zip(text.split('\n'));
    while let Some((line, whole)) = lines.next() {
        let rest = whole.trim_start();
        if rest.is_empty() || rest.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = rest.strip_prefix('[') {
            let name = header
                .get(..header.rfind(']')?)
                .filter(|name| !name.is_empty())?;
            current = section(&mut all, name, line);
            continue;
        }
        let (key, value) = match key(rest)? {
            Key::Named(key, written) => (key, value(written, &mut lines)?),
            Key::Alone => (value(rest, &mut lines)?, "true".to_owned()),
        };
        all.get_mut(current)?.set(Entry { key, value, line });
    }
    Some(all)
}

/// The place of the section `name`, which is made if it is new.
fn section(all: &mut Vec<Section>, name: &str, line: u32) -> usize {
    let known = all.iter().position(|section| section.name == name);
    known.unwrap_or_else(|| {
        all.push(Section {
            name: name.to_owned(),
            line,
            keys: Vec::new(),
        });
        all.len() - 1
    })
}

/// What stands before `=` or `:`.
enum Key<'t> {
    /// A key, and what stands behind the sign.
    Named(String, &'t str),
    /// No sign: the whole line is a key.
    Alone,
}

/// The key of a line; `None` if it is no key at all.
fn key(line: &str) -> Option<Key<'_>> {
    let quote = ["\"\"\"", "\"", "`"]
        .into_iter()
        .find(|quote| line.starts_with(quote));
    let (name, rest) = match quote {
        Some(quote) => {
            let (name, rest) = line.get(quote.len()..)?.split_once(quote)?;
            let Some(sign) = rest.find(['=', ':']) else {
                return Some(Key::Alone);
            };
            (name, rest.get(sign + 1..)?)
        }
        None => {
            let Some(sign) = line.find(['=', ':']) else {
                return Some(Key::Alone);
            };
            (line.get(..sign)?.trim(), line.get(sign + 1..)?)
        }
    };
    // A line that begins with the sign has no key.
    (!line.starts_with(['=', ':'])).then(|| Key::Named(name.to_owned(), rest))
}

/// A value: quotes around it go, a text in back quotes or three quotes may have many lines, and
/// `\` at the end of a line joins the next one.
fn value<'t>(written: &str, lines: &mut impl Iterator<Item = (u32, &'t str)>) -> Option<String> {
    let rest = written.trim_start();
    let long = ["\"\"\"", "`"]
        .into_iter()
        .find(|quote| rest.starts_with(quote));
    if let Some(quote) = long {
        let mut text = rest.get(quote.len()..)?.to_owned();
        loop {
            if let Some((inside, _)) = text.split_once(quote) {
                return Some(inside.to_owned());
            }
            text.push('\n');
            text.push_str(lines.next()?.1);
        }
    }
    let mut text = rest.trim().to_owned();
    while let Some(before) = text.strip_suffix('\\') {
        let next = lines.next().map_or("", |(_, line)| line).trim();
        let joined = format!("{before}{next}");
        if next.is_empty() {
            return Some(joined);
        }
        text = joined;
    }
    Some(unquoted(&text).to_owned())
}

fn unquoted(text: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| {
            let inside = text.strip_prefix(quote)?.strip_suffix(quote)?;
            (!inside.contains(quote)).then_some(inside)
        })
        .unwrap_or(text)
}
