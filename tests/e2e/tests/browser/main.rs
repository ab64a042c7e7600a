//! The pages of both programs in a headless Chromium, each behind a proxy that puts it below a path.
//!
//! With `CULVERT_PICTURES` set to a folder, a picture of every page is left there.

#[cfg(test)]
mod client;
#[cfg(test)]
mod prefix;
#[cfg(test)]
mod server;
#[cfg(test)]
mod stage;
