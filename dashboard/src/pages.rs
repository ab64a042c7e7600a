//! The routes of the pages (api 0).

use std::{io, path::Path};

use culvert_http::web::{Answer, Request, Site};
use http::{HeaderValue, Method, StatusCode, header::LOCATION};

use crate::{
    answer::{answer, confined},
    files::Product,
    folder::Folder,
};

/// Where the pages come from.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Assets {
    /// The ones of this crate.
    BuiltIn(Product),
    /// A folder of the operator's own.
    Folder(Folder),
}

impl Assets {
    /// The pages of `product`, or those of the folder that the operator names; blocks.
    ///
    /// # Errors
    /// There is no such folder, or it may not be read.
    pub fn open(product: Product, folder: Option<&Path>) -> io::Result<Self> {
        folder.map_or(Ok(Self::BuiltIn(product)), |path| {
            Folder::open(path).map(Self::Folder)
        })
    }

    async fn answer(&self, request: &Request) -> Answer {
        let file = request.variable("file").unwrap_or_default();
        let name = if file.is_empty() { "index.html" } else { &file };
        match self {
            Self::BuiltIn(product) => match product.file(name) {
                Some(bytes) => confined(answer(request, name, bytes)),
                None => missing(),
            },
            Self::Folder(folder) => match folder.read(name.to_owned()).await {
                Ok(bytes) => answer(request, name, bytes),
                Err(error) => {
                    tracing::debug!("page [{name}] of assetsDir: {error}");
                    missing()
                }
            },
        }
    }
}

fn missing() -> Answer {
    Answer::text(StatusCode::NOT_FOUND, "404 page not found")
}

/// `site` with the pages under `/static/` and the way there.
#[must_use]
pub fn with_pages(site: Site, assets: Assets) -> Site {
    let icon = match &assets {
        Assets::BuiltIn(_) => "static/icon.svg",
        Assets::Folder(_) => "static/favicon.ico",
    };
    site.on(Method::GET, "/", |_| to("static/"))
        .on(Method::GET, "/static", |_| to("static/"))
        .on(Method::GET, "/favicon.ico", move |_| to(icon))
        .on(Method::GET, "/static/{*file}", move |request: Request| {
            let assets = assets.clone();
            async move { assets.answer(&request).await }
        })
}

/// Sends the browser to a place beside this one: a proxy in front may have put us below a path of
/// its own, which upstream's `/static/` would leave.
fn to(place: &'static str) -> std::future::Ready<Answer> {
    let answer = Answer::status(StatusCode::MOVED_PERMANENTLY);
    std::future::ready(answer.with(LOCATION, HeaderValue::from_static(place)))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;

    async fn get(assets: Assets, path: &str, packed: bool) -> Answer {
        let mut request = http::Request::get(path);
        if packed {
            request = request.header("accept-encoding", "br, gzip");
        }
        let site = with_pages(Site::new(None), assets);
        site.answer(request.body(Full::new(Bytes::new())).unwrap())
            .await
    }

    #[tokio::test]
    async fn the_root_leads_to_the_page() {
        let built_in = Assets::BuiltIn(Product::Frps);
        let root = get(built_in.clone(), "/", false).await;
        assert_eq!(
            (root.code(), root.header("location").unwrap()),
            (301, &"static/".parse().unwrap())
        );
        let page = get(built_in.clone(), "/static/", false).await;
        assert_eq!(page.code(), 200);
        assert!(page.bytes().starts_with(b"<!doctype html>"));
        assert!(page.header("content-security-policy").is_some());
        assert_eq!(get(built_in, "/static/none.js", false).await.code(), 404);
    }

    #[tokio::test]
    async fn a_file_is_compressed_for_those_who_take_it() {
        let plain = get(Assets::BuiltIn(Product::Frpc), "/static/style.css", false).await;
        let packed = get(Assets::BuiltIn(Product::Frpc), "/static/style.css", true).await;
        assert_eq!(packed.header("content-encoding").unwrap(), "gzip");
        assert!(packed.bytes().len() < plain.bytes().len() / 2);
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(packed.bytes().as_ref())
            .read_to_end(&mut text)
            .unwrap();
        assert_eq!(&text[..], &plain.bytes()[..]);
    }

    #[tokio::test]
    async fn a_folder_of_ones_own_is_served_and_nothing_beside_it() {
        let root = std::env::temp_dir().join(format!("culvert-assets-{}", std::process::id()));
        let inside = root.join("inside");
        std::fs::create_dir_all(inside.join("deep")).unwrap();
        std::fs::write(inside.join("index.html"), "own").unwrap();
        std::fs::write(inside.join("deep/a.js"), "deep").unwrap();
        std::fs::write(root.join("secret"), "secret").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("../secret", inside.join("link")).unwrap();
        let assets = Assets::open(Product::Frps, Some(&inside)).unwrap();
        assert_eq!(get(assets.clone(), "/static/", false).await.bytes(), "own");
        assert_eq!(
            get(assets.clone(), "/static/deep/a.js", false)
                .await
                .bytes(),
            "deep"
        );
        for path in [
            "/static/link",
            "/static/%2e%2e/secret",
            "/static/..%2fsecret",
            "/static/deep",
        ] {
            assert_eq!(get(assets.clone(), path, false).await.code(), 404, "{path}");
        }
        std::fs::remove_dir_all(root).unwrap();
    }
}
