//! What the demo sells and says.

use serde_json::json;

use super::serialize::serialize;

/// Where the demo says that it lives. Nobody is there.
pub(super) const URL: &str = "http://harbour-shop.test";

const ADJECTIVES: [&str; 6] = ["Quiet", "Salted", "Amber", "Northern", "Folding", "Patient"];
const THINGS: [(&str, &str); 8] = [
    ("Lantern", "It burns a whole watch on one filling and does not mind rain."),
    ("Rope", "Twisted from hemp in one piece, and it keeps a knot."),
    ("Teapot", "Its foot is wide, so that it stays where it was put."),
    ("Blanket", "Woven close enough to keep the wind on its own side."),
    ("Compass", "The needle comes to rest within a breath."),
    ("Chart", "Printed on linen, with every light from here to the point."),
    ("Kettle", "It whistles a third above the foghorn, so nobody mistakes them."),
    ("Whistle", "Turned from one piece of brass; two notes, both useful."),
];

/// The sizes of every picture: name and width.
pub(super) const SIZES: [(&str, u32); 4] = [("thumb", 150), ("small", 300), ("medium", 600), ("full", 1200)];

/// A product of the shop.
pub(super) struct Product {
    pub title: String,
    pub slug: String,
    pub text: &'static str,
    pub price: String,
    pub hue: usize,
    /// Folder of its pictures below the uploads, by month.
    pub month: String,
}

pub(super) fn products() -> Vec<Product> {
    let mut products = Vec::new();
    for (index, (adjective, (thing, text))) in
        ADJECTIVES.iter().flat_map(|adjective| THINGS.iter().map(move |thing| (adjective, thing))).enumerate()
    {
        let title = format!("{adjective} {thing}");
        products.push(Product {
            slug: title.to_lowercase().replace(' ', "-"),
            title,
            text,
            price: format!("{}.{:02}", 9 + index * 7 % 80, index * 13 % 100),
            hue: index * 47 % 360,
            month: format!("2024/{:02}", index % 6 + 1),
        });
    }
    products
}

impl Product {
    /// The address of its picture in one size.
    pub fn picture(&self, size: &str) -> String {
        format!("{URL}/wp-content/uploads/{}/{}-{size}.svg", self.month, self.slug)
    }

    /// Its picture.
    pub fn drawing(&self, width: u32) -> String {
        let (hue, height) = (self.hue, width * 2 / 3);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 300 200\">\
             <rect width=\"300\" height=\"200\" fill=\"hsl({hue} 45% 82%)\"/><circle cx=\"{}\" cy=\"70\" r=\"28\" fill=\"hsl({hue} 70% 60%)\"/>\
             <path d=\"M0 {} q75 -30 150 0 t150 0 V200 H0z\" fill=\"hsl({} 45% 38%)\"/><text x=\"150\" y=\"188\" font-family=\"sans-serif\" \
             font-size=\"14\" fill=\"#fff\" text-anchor=\"middle\">{}</text></svg>\n",
            60 + hue / 2,
            130 + hue % 30,
            (hue + 200) % 360,
            self.title
        )
    }

    /// What a page builder keeps of its page.
    pub fn builder(&self) -> String {
        json!([
            {"id": format!("{:07x}", self.hue * 7919), "elType": "image", "settings": {"image": {"url": self.picture("medium"), "id": self.hue}}, "elements": []},
            {"id": format!("{:07x}", self.hue * 104729), "elType": "button", "settings": {"text": "Ask about it", "link": {"url": format!("{URL}/contact/?about={}", self.slug), "is_external": ""}}, "elements": []}
        ])
        .to_string()
        .replace('/', "\\/")
    }
}

/// The options of the shop, as WordPress keeps them.
pub(super) fn options() -> Vec<(&'static str, String)> {
    let plain = |text: &str| text.to_owned();
    vec![
        ("siteurl", plain(URL)),
        ("home", plain(URL)),
        ("blogname", plain("The Harbour Shop")),
        ("blogdescription", plain("Things that stay put")),
        ("admin_email", plain("keeper@harbour-shop.test")),
        ("blog_public", plain("1")),
        ("template", plain("harbour")),
        ("stylesheet", plain("harbour")),
        ("permalink_structure", plain("/product/%postname%/")),
        ("active_plugins", serialize(&json!(["harbour-shop/harbour-shop.php"]))),
        (
            "demo_menu",
            serialize(&json!([
                {"title": "Shop", "url": format!("{URL}/")},
                {"title": "The keeper", "url": format!("{URL}/the-keeper/")},
                {"title": "Contact", "url": format!("{URL}/contact/")}
            ])),
        ),
        (
            "widget_text",
            serialize(&json!({
                "2": {"title": "Find us", "text": format!("<p>At the end of the pier, and at <a href=\"{URL}/\">{URL}</a>. Café from nine.</p>"), "filter": true},
                "_multiwidget": 1
            })),
        ),
        (
            "theme_mods_harbour",
            serialize(
                &json!({"sea": "#1d4e89", "banner": format!("{URL}/wp-content/uploads/2024/01/banner.svg"), "nav_menu_locations": {"main": 2}}),
            ),
        ),
        (
            "harbour_shop_settings",
            serialize(
                &json!({"closed": false, "currency": "EUR", "rates": [0.07, 0.19], "thanks": format!("{URL}/thanks/"), "webhook": {"url": format!("{URL}/?hook=1"), "retries": 3}}),
            ),
        ),
        (
            "woocommerce_stripe_settings",
            serialize(
                &json!({"enabled": "yes", "testmode": "no", "publishable_key": "pk_live_demo", "secret_key": "sk_live_demo"}),
            ),
        ),
        ("jetpack_private_options", serialize(&json!({"blog_token": "demo.token"}))),
        ("_transient_shop_stock", serialize(&json!({"checked": 1, "from": URL}))),
        ("cron", serialize(&json!({"version": 2}))),
    ]
}

/// Pages and posts beside the products: title, name, content, type.
pub(super) fn pages() -> Vec<(&'static str, &'static str, String, &'static str)> {
    vec![
        (
            "The keeper",
            "the-keeper",
            format!(
                "<p>One person runs the light and the shop. The <a href=\"{URL}/contact/\">letter box</a> is read daily.</p>"
            ),
            "page",
        ),
        (
            "The first lamp",
            "the-first-lamp",
            format!(
                "<!-- wp:image {{\"url\":\"{}\\u0026v=2\"}} --><p>Since the lamp was lit, <a href=\"{URL}/\">the shop</a> is open. See also //harbour-shop.test/the-keeper/.</p><!-- /wp:image -->",
                format_args!("{URL}/wp-content/uploads/2024/01/banner.svg?size=l")
            ),
            "post",
        ),
        (
            "Winter hours",
            "winter-hours",
            format!(
                "<p>From November we close at dusk. <a href=\"{URL}/?p=1\">What to bring home before</a>.</p>"
            ),
            "post",
        ),
    ]
}
