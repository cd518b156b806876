use std::ffi::OsString;

/// What a program may see of Clonedeck's own environment: where programs and the user's folder are, the language, the clock, the
/// way to the network. Nothing else, because keys and passwords live in environments.
const PASSED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "TZ",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
    "COMPOSER_HOME",
    "NVM_DIR",
    "VOLTA_HOME",
    "PNPM_HOME",
    "BUN_INSTALL",
    "SystemRoot",
    "SystemDrive",
    "windir",
    "ComSpec",
    "PATHEXT",
    "TEMP",
    "TMP",
    "USERPROFILE",
    "APPDATA",
    "LOCALAPPDATA",
    "ProgramData",
    "ProgramFiles",
];

/// The part of Clonedeck's environment that programs get.
pub(super) fn passed() -> Vec<(OsString, OsString)> {
    PASSED.iter().filter_map(|name| Some(((*name).into(), std::env::var_os(name)?))).collect()
}

/// Secrets that come along: the login in a proxy's address.
pub(super) fn secrets() -> Vec<String> {
    PASSED
        .iter()
        .filter(|name| name.to_ascii_lowercase().ends_with("_proxy"))
        .filter_map(|name| login_of(&std::env::var(name).ok()?))
        .collect()
}

fn login_of(address: &str) -> Option<String> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (login, _) = rest.split('/').next()?.rsplit_once('@')?;
    Some(login.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_in_a_proxys_address_is_a_secret() {
        assert_eq!(login_of("http://joe:p@ss@proxy.example:3128/"), Some("joe:p@ss".into()));
        assert_eq!(login_of("http://proxy.example:3128/@"), None);
    }
}
