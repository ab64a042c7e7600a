//! Where results are left: files of this run, and the page of the documentation.

use std::{
    fs,
    path::{Path, PathBuf},
};

use culvert_kit::{Error, Result};

/// The page, and the folder beside it for its plots.
const PAGE: &str = "docs/PERFORMANCE.md";
const PLOTS: &str = "docs/performance";

/// What stands around the part that this command writes.
const BEGIN: &str = "<!-- written by cargo perf --write-docs -->";
const END: &str = "<!-- the end of what cargo perf writes -->";

/// The root of the repository.
///
/// # Errors
/// When it is not there any more.
pub(crate) fn root() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let root = root.filter(|root| root.join("Cargo.toml").is_file());
    let lost = || Error::wrong("the repository that this was built from is not there");
    root.map(Path::to_owned).ok_or_else(lost)
}

/// Writes plots into `folder`.
///
/// # Errors
/// When the system refuses.
pub(crate) fn write_plots(folder: &Path, plots: &[(String, String)]) -> Result {
    let failed = || Error::io(format!("write plots into {}", folder.display()));
    fs::create_dir_all(folder).map_err(failed())?;
    for (name, svg) in plots {
        fs::write(folder.join(name), svg).map_err(failed())?;
    }
    Ok(())
}

/// Puts `text` and the plots into the page.
///
/// # Errors
/// When the page lacks the markers or the system refuses.
pub(crate) fn write_page(root: &Path, text: &str, plots: &[(String, String)]) -> Result {
    write_plots(&root.join(PLOTS), plots)?;
    let mut all = text.to_owned();
    for (name, _) in plots {
        all += &format!("\n![{name}](performance/{name})\n");
    }
    let page = root.join(PAGE);
    let old = fs::read_to_string(&page).map_err(Error::io(format!("read {PAGE}")))?;
    let new = between(&old, &all);
    let new = new.ok_or_else(|| Error::wrong(format!("{PAGE} lacks the line {BEGIN} or {END}")))?;
    fs::write(&page, new).map_err(Error::io(format!("write {PAGE}")))
}

/// `page` with `text` between the markers.
fn between(page: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!(
        "{before}{BEGIN}\n\n{}\n\n{END}{after}",
        text.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_between_the_markers_changes() {
        let page = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let new = between(&page, "new\n").unwrap();
        assert_eq!(new, format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n"));
        assert_eq!(between("nothing", "new"), None);
    }
}
