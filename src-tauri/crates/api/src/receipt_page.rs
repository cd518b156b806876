//! A receipt as a page that can be kept and sent: one HTML file, nothing loaded from anywhere.

use std::fmt::Write;

use crate::wire::{JobView, Receipt};
use crate::words::counted;

/// Renders it.
pub fn render(job: &JobView, receipt: &Receipt) -> String {
    let mut page = String::from(HEAD);
    let clean = receipt.findings.is_empty();
    let _ = write!(
        page,
        "<title>Receipt: {title}</title></head><body><main><h1>{title}</h1><p class=\"way\">{} → {}</p><p class=\"{}\">{}</p>",
        escaped(job.source.as_deref().unwrap_or("")),
        escaped(job.target.as_deref().unwrap_or("")),
        if clean { "ok" } else { "warn" },
        if clean {
            "Checked, nothing to read.".to_owned()
        } else {
            format!("Checked, {} to read.", counted(receipt.findings.len() as u64, "finding"))
        },
        title = escaped(&job.title),
    );
    list(&mut page, "Findings", &receipt.findings);
    let files = &receipt.files;
    let _ = write!(
        page,
        "<h2>Files</h2><p>{} copied, {} bytes; {} compared byte for byte.</p>",
        files.count, files.bytes, files.verified
    );
    list(&mut page, "Differences", &files.differences);
    list(&mut page, "Listed", &files.listed);
    rows(
        &mut page,
        "Left out",
        &["Pattern", "Why", "Files", "Bytes"],
        files.excluded.iter().filter(|out| out.files > 0).map(|out| {
            vec![out.pattern.clone(), out.reason.clone(), out.files.to_string(), out.bytes.to_string()]
        }),
    );
    rows(
        &mut page,
        "Tables",
        &["Table", "Rows in the source", "Rows in the copy"],
        receipt.tables.iter().map(|table| {
            vec![table.name.clone(), table.rows_source.to_string(), table.rows_target.to_string()]
        }),
    );
    list(&mut page, "Definitions that differ", &receipt.definitions);
    let rewrite = &receipt.rewrite;
    let _ = write!(
        page,
        "<h2>Addresses</h2><p>{} cells read, {} changed, {} newly broken.</p>",
        rewrite.cells_scanned, rewrite.cells_changed, rewrite.newly_broken
    );
    rows(
        &mut page,
        "By kind",
        &["Kind", "Changed"],
        rewrite.by_kind.iter().map(|(kind, number)| vec![kind.clone(), number.to_string()]),
    );
    list(&mut page, "Left over", &rewrite.left_over);
    list(&mut page, "Left as they were, because changing them is not safe", &rewrite.unchanged_unsafe);
    list(&mut page, "Kept quiet", &receipt.neutralised);
    rows(
        &mut page,
        "Settings",
        &["Setting", "Source", "Copy"],
        receipt
            .settings
            .iter()
            .map(|change| vec![change.name.clone(), change.from.clone(), change.to.clone()]),
    );
    list(&mut page, "Pages", &receipt.pages);
    rows(
        &mut page,
        "Time",
        &["Step", "Milliseconds"],
        receipt.steps.iter().map(|step| vec![step.name.clone(), step.active_ms.to_string()]),
    );
    let _ = writeln!(page, "<p class=\"way\">Job {}</p></main></body></html>", escaped(&job.id));
    page
}

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<style>:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:0;background:light-dark(#f6f6f4,#17181a);\
color:light-dark(#1c1d1f,#e9e9e7)}main{max-width:52rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.4rem;margin:0}h2{font-size:1rem;\
margin:1.6rem 0 .3rem}.way{color:light-dark(#6c6f75,#a0a3a8)}.ok{color:light-dark(#2e7d4f,#6cc48d)}.warn{color:light-dark(#a15c00,#e0a450)}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:.25rem .5rem;\
border-bottom:1px solid light-dark(#e2e2dd,#2e3033);overflow-wrap:anywhere}li{overflow-wrap:anywhere}</style>";

fn list(page: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = write!(page, "<h2>{title}</h2><ul>");
    for line in lines {
        let _ = write!(page, "<li>{}</li>", escaped(line));
    }
    page.push_str("</ul>");
}

fn rows(page: &mut String, title: &str, columns: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    let mut rows = rows.peekable();
    if rows.peek().is_none() {
        return;
    }
    let _ = write!(page, "<h2>{title}</h2><table><tr>");
    for column in columns {
        let _ = write!(page, "<th>{column}</th>");
    }
    page.push_str("</tr>");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{}</td>", escaped(&cell));
        }
        page.push_str("</tr>");
    }
    page.push_str("</table>");
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}
