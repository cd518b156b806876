use mysql_async::{DriverError, Error, IoError};

use crate::Problem;

/// Whether a failure came while a session was being opened or in one that had worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    Opening,
    Working,
}

/// A failure of the driver or the server as a person meets it. `at` is the address, which holds no password.
pub(super) fn problem(error: Error, at: &str, when: When) -> Problem {
    match error {
        Error::Server(error) => of_server(error.code, &error.message, at),
        Error::Io(IoError::Tls(error)) => untrusted(&error.to_string(), at),
        // The driver passes on what TLS finds wrong as data that it cannot read.
        Error::Io(IoError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            untrusted(&error.to_string(), at)
        }
        Error::Driver(DriverError::NoClientSslFlagFromServer) => {
            Problem::needs_person("database.tls", format!("The database server at {at} offers no TLS."))
                .help("Switch TLS on at the server, or leave ?tls and ?ca out if the way to it is safe.")
        }
        Error::Io(IoError::Io(error)) => lost(&error.to_string(), at, when),
        Error::Driver(DriverError::ConnectionClosed | DriverError::PoolDisconnected) => {
            lost("the connection was closed", at, when)
        }
        Error::Driver(error) => Problem::permanent(
            "database.driver",
            format!("The conversation with the database at {at} broke: {error}."),
        ),
        Error::Other(error) => lost(&error.to_string(), at, when),
        Error::Url(error) => {
            Problem::permanent("database.address", format!("{at} is not an address of a database: {error}."))
        }
    }
    .with("database", at)
}

/// A name that no server takes.
pub(in crate::databases) fn too_long(message: &str) -> Problem {
    Problem::permanent("database.name-too-long", message)
        .help("Give a name of at most 64 characters (mysql://user@host/name).")
}

/// A row that a server does not take.
pub(super) fn too_large(at: &str, why: &str) -> Problem {
    Problem::needs_person(
        "database.packet",
        format!("A row is larger than the server at {at} takes in one piece: {why}."),
    )
    .help("Raise max_allowed_packet on the server to more than the largest row, or let it take LOAD DATA LOCAL (local_infile).")
}

fn untrusted(why: &str, at: &str) -> Problem {
    Problem::needs_person(
        "database.tls",
        format!("The database server at {at} could not prove that it is the right one: {why}."),
    )
    .help("Name the certificate of whoever signed the server's (?ca=/path/ca.pem), and the host as the certificate does.")
}

fn lost(why: &str, at: &str, when: When) -> Problem {
    match when {
        When::Opening => {
            Problem::transient("database.down", format!("No database server answers at {at}: {why}."))
                .help("Start the database server, or correct the address (host, port or socket).")
        }
        When::Working => {
            Problem::transient("database.gone", format!("The database server at {at} went away: {why}."))
                .help("The work goes on where it stood as soon as the server answers again.")
        }
    }
}

fn of_server(code: u16, message: &str, at: &str) -> Problem {
    let said = format!("The server says: {message} ({code}).");
    match code {
        1045 | 1698 | 1251 | 2061 => Problem::needs_person(
            "database.refused-login",
            format!("The database at {at} refused the login."),
        )
        .help(format!("Check the user name and the password. {said}")),
        1820 | 1862 | 4151 | 3118 => Problem::needs_person(
            "database.refused-login",
            format!("The login for the database at {at} is locked or its password has expired."),
        )
        .help(format!("Set a new password on the server. {said}")),
        1130 => Problem::needs_person(
            "database.refused-login",
            format!("The server at {at} takes no logins from this machine."),
        )
        .help(said),
        1049 => Problem::permanent("database.unknown", format!("There is no database at {at}."))
            .help(format!("Check the name of the database. {said}")),
        1044 | 1142 | 1143 | 1227 | 1370 | 1419 => Problem::needs_person(
            "rights.missing",
            format!("The database user at {at} lacks a right: {message}."),
        )
        .help("Give the user that right (GRANT …), or use another user."),
        1194 | 1195 | 126 | 127 | 130 | 144 | 145 | 1034 | 1035 | 1712 | 1877 => {
            Problem::needs_person("table.crashed", format!("A table of {at} is damaged: {message}."))
                .help("Repair the table (REPAIR TABLE, or restore it from a backup) and try again.")
        }
        1053 | 1077 | 1927 | 1317 | 1158..=1161 | 4031 => {
            Problem::transient("database.gone", format!("The database server at {at} went away: {message}."))
                .help("The work goes on where it stood as soon as the server answers again.")
        }
        1205 | 1213 | 3024 | 1969 => Problem::transient(
            "database.busy",
            format!("The database at {at} was held by somebody else: {message}."),
        )
        .help("Trying again in a moment helps."),
        1040 | 1203 | 1226 => Problem::transient(
            "database.too-many",
            format!("The database server at {at} takes no more connections now."),
        )
        .help(said),
        1021 | 1114 | 20 => Problem::needs_person(
            "disk.full",
            format!("The database server at {at} has no room left: {message}."),
        )
        .help("Make room on the disk of the database server."),
        1290 | 1836 | 1792 => Problem::needs_person(
            "database.read-only",
            format!("The database at {at} takes no writes: {message}."),
        )
        .help("Use another server, or end its read-only mode."),
        1059 | 1102 | 1103 => {
            too_long(&format!("A name at {at} is longer than the server takes: {message}."))
        }
        1153 | 1301 => too_large(at, message),
        1412 | 1146 | 1054 | 1176 => Problem::transient(
            "source.changed",
            format!("A table changed its shape during the work at {at}: {message}."),
        )
        .help("Let installations and updates of the site end, then try again."),
        // Failures of files, below the server's own numbers.
        1..=999 => Problem::transient(
            "database.files",
            format!("The server at {at} had trouble with a file: {message}."),
        )
        .help("Look at the disk and the error log of the database server."),
        _ => Problem::permanent(
            "database.refused",
            format!("The database at {at} refused a statement: {message} ({code})."),
        )
        .with("server_code", code),
    }
}
