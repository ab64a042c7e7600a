//! The dashboard of frpc.

use culvert_e2e::{SOON, local};
use culvert_kit::{Result, connected, echo_once, free_port};

use crate::stage::{Side, Stage};

#[tokio::test]
async fn every_page_opens_in_every_look() -> Result {
    let Some(mut stage) = Stage::set(Side::Client).await? else {
        return Ok(());
    };
    stage.visit("overview", "#/", "2 of 2").await?;
    stage.visit("proxies", "#/proxies", "site.test").await?;
    stage
        .visit("proxy", "#/proxies/detail/echo", "Configuration")
        .await?;
    stage
        .visit("create", "#/proxies/create", "Health check")
        .await?;
    stage
        .visit("visitors", "#/visitors", "The store has no visitor yet.")
        .await?;
    stage
        .visit("create-visitor", "#/visitors/create", "Proxy to visit")
        .await?;
    stage.visit("config", "#/config", "Update & Reload").await
}

#[tokio::test]
async fn a_proxy_is_made_changed_and_taken_away() -> Result {
    let Some(mut stage) = Stage::set(Side::Client).await? else {
        return Ok(());
    };
    let (first, second) = (local(free_port()?), local(free_port()?));
    let page = &mut stage.page;
    page.press("nav", "Proxies").await?;
    page.press("main", "Store").await?;
    page.press("main", "+ New proxy").await?;
    page.fill("[name=name]", "extra").await?;
    page.fill("[name=localPort]", &stage.echo.port().to_string())
        .await?;
    page.fill("[name=remotePort]", &first.port().to_string())
        .await?;
    page.press("form", "Save").await?;
    page.shows("The proxy is saved.").await?;
    drop(connected(first, SOON).await?);
    echo_once(first, 1, 1000).await?;

    page.press("main", "Store").await?;
    page.press("main", "Edit").await?;
    page.fill("[name=remotePort]", &second.port().to_string())
        .await?;
    page.press("form", "Save").await?;
    drop(connected(second, SOON).await?);
    echo_once(second, 1, 1000).await?;

    page.press("main", "Store").await?;
    page.press("main", "Disable").await?;
    page.shows("extra is disabled.").await?;
    page.press("main", "Enable").await?;
    page.shows("extra is enabled.").await?;
    page.press("main", "Delete").await?;
    page.press("dialog", "Delete").await?;
    page.shows("The store has no proxy yet.").await?;
    stage.calm()
}

#[tokio::test]
async fn a_visitor_is_made_with_every_field_it_needs() -> Result {
    let Some(mut stage) = Stage::set(Side::Client).await? else {
        return Ok(());
    };
    let bind = free_port()?;
    let page = &mut stage.page;
    page.press("nav", "Visitors").await?;
    page.press("main", "+ New visitor").await?;
    page.fill("[name=name]", "door").await?;
    page.press("form", "Save").await?; // the browser asks for what is missing
    page.until("document.querySelector('[name=serverName]').matches(':invalid')")
        .await?;
    page.fill("[name=serverName]", "secret").await?;
    page.fill("[name=secretKey]", "key").await?;
    page.fill("[name=bindPort]", &bind.to_string()).await?;
    page.press("form", "Save").await?;
    page.shows("The visitor is saved.").await?;
    page.press("main", "door").await?;
    page.shows("•••").await?;
    drop(connected(local(bind), SOON).await?);
    stage.calm()
}

#[tokio::test]
async fn a_configuration_is_loaded_and_a_wrong_one_changes_nothing() -> Result {
    let Some(mut stage) = Stage::set(Side::Client).await? else {
        return Ok(());
    };
    let page = &mut stage.page;
    page.press("nav", "Configuration").await?;
    page.until("document.querySelector('textarea').value.includes('echo')")
        .await?;
    let right = page
        .eval("document.querySelector('textarea').value")
        .await?;
    let right = right.as_str().unwrap_or_default().to_owned();
    page.fill("textarea", &right.replace("\"echo\"", "\"renamed\""))
        .await?;
    page.press("main", "Update & Reload").await?;
    page.press("dialog", "Update & Reload").await?;
    page.shows("The configuration is loaded.").await?;
    page.press("nav", "Proxies").await?;
    page.shows("renamed").await?;

    page.press("nav", "Configuration").await?;
    page.until("document.querySelector('textarea').value.includes('renamed')")
        .await?;
    page.fill("textarea", "proxies = 7").await?;
    page.press("main", "Update & Reload").await?;
    page.press("dialog", "Update & Reload").await?;
    page.until("document.querySelectorAll('.toast.bad').length === 1")
        .await?;
    let faults = stage.page.take_faults();
    assert!(
        faults.iter().all(|fault| fault.contains("api/reload")),
        "{faults:?}"
    );
    stage.page.press("nav", "Proxies").await?;
    stage.page.shows("renamed").await?;
    echo_once(stage.public, 1, 1000).await
}

#[tokio::test]
async fn what_was_typed_is_not_lost_without_a_question() -> Result {
    let Some(mut stage) = Stage::set(Side::Client).await? else {
        return Ok(());
    };
    let page = &mut stage.page;
    page.press("nav", "Configuration").await?;
    page.until("document.querySelector('textarea').value.includes('echo')")
        .await?;
    page.fill("textarea", "changed").await?;
    page.press("nav", "Proxies").await?;
    page.press("dialog", "Cancel").await?;
    page.until("document.querySelector('textarea').value === 'changed'")
        .await?;
    page.press("nav", "Proxies").await?;
    page.press("dialog", "Leave").await?;
    page.shows("site.test").await?;
    stage.calm()
}
