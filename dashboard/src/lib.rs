//! The pages that both programs show in a browser, under `/static/`.
//!
//! The files of `static/` are what the browser gets: plain HTML, CSS and JavaScript modules that no
//! tool has to build. `static/shared` serves both programs. A page asks the API beside it (`../api/`),
//! so it works wherever a proxy in front puts it.

mod answer;
mod files;
mod folder;
mod pages;

pub use files::Product;
pub use folder::Folder;
pub use pages::{Assets, with_pages};
