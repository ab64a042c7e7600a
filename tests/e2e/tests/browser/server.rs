//! The dashboard of frps.

use culvert_e2e::SOON;
use culvert_kit::Result;

use crate::stage::{Side, Stage};

#[tokio::test]
async fn every_page_opens_in_every_look() -> Result {
    let Some(mut stage) = Stage::set(Side::Server).await? else {
        return Ok(());
    };
    stage.visit("overview", "#/", "ann.laptop").await?;
    stage.visit("clients", "#/clients", "ann.laptop").await?;
    stage
        .visit("client", "#/clients/ann.laptop", "ann.echo")
        .await?;
    stage.visit("proxies", "#/proxies", "ann.site").await?;
    stage
        .visit("proxies-http", "#/proxies/http", "site.test")
        .await?;
    stage
        .visit("proxy", "#/proxy/ann.echo", "Traffic of seven days")
        .await?;
    stage.visit("nowhere", "#/nowhere", "No such page").await
}

#[tokio::test]
async fn figures_move_while_they_are_looked_at() -> Result {
    let Some(mut stage) = Stage::set(Side::Server).await? else {
        return Ok(());
    };
    let connections = "[...document.querySelectorAll('.figure')].find((figure) => \
                       figure.innerText.startsWith('Connections')).querySelector('dd').innerText";
    stage.page.until(&format!("{connections} === '0'")).await?;
    let held = culvert_kit::connected(stage.public, SOON).await?;
    stage.page.until(&format!("{connections} === '1'")).await?;
    drop(held);
    stage.page.until(&format!("{connections} === '0'")).await?;
    stage
        .page
        .until("document.querySelectorAll('path.stroke0').length > 0")
        .await?;
    stage.calm()
}

#[tokio::test]
async fn offline_proxies_are_cleared_after_a_question() -> Result {
    let Some(mut stage) = Stage::set(Side::Server).await? else {
        return Ok(());
    };
    stage.pair.frpc.kill().await?;
    stage.page.press("nav", "Proxies").await?;
    stage.page.press("main", "Refresh").await?;
    stage
        .page
        .until("document.querySelectorAll('.rows .badge.off').length === 2")
        .await?;
    stage.page.press("main", "Clear offline").await?;
    stage.page.press("dialog", "Cancel").await?;
    stage.page.shows("ann.echo").await?;
    stage.page.press("main", "Clear offline").await?;
    stage.page.press("dialog", "Clear offline").await?;
    stage.page.shows("The offline proxies are cleared.").await?;
    stage.page.shows("No such proxy.").await?;
    stage.calm()
}

#[tokio::test]
async fn a_keyboard_is_enough() -> Result {
    let Some(mut stage) = Stage::set(Side::Server).await? else {
        return Ok(());
    };
    stage.page.shows("Throughput").await?;
    // Everything that can be pressed has a name, and is reached in the order it is seen in.
    let nameless = "[...document.querySelectorAll('a, button, input, select, textarea')].filter((e) => \
         !(e.innerText || e.ariaLabel || e.labels?.length)).length === 0";
    stage.page.until(nameless).await?;
    stage
        .page
        .until("document.querySelectorAll('[tabindex]:not([tabindex=\"-1\"])').length === 0")
        .await?;
    // The first key leads past the navigation; a view takes the focus when it comes up.
    stage
        .page
        .eval("document.querySelector('.skip').focus()")
        .await?;
    stage.page.press("body", "Skip to the content").await?;
    stage
        .page
        .until("document.activeElement.id === 'main'")
        .await?;
    stage.page.press("nav", "Clients").await?;
    stage.page.shows("ann.laptop").await?;
    stage
        .page
        .until("document.activeElement.id === 'main'")
        .await?;
    stage
        .page
        .until("document.title.startsWith('Clients')")
        .await?;
    stage.calm()
}

#[tokio::test]
async fn a_chosen_theme_stays() -> Result {
    let Some(mut stage) = Stage::set(Side::Server).await? else {
        return Ok(());
    };
    stage.page.press("header", "Theme: auto").await?;
    stage.page.press("header", "Theme: light").await?;
    stage.page.shows("Theme: dark").await?;
    stage.page.eval("location.reload()").await?;
    stage.page.shows("Theme: dark").await?;
    stage
        .page
        .until("getComputedStyle(document.documentElement).colorScheme === 'dark'")
        .await?;
    stage.calm()
}
