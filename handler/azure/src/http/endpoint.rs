//! The address of a service: https, or plain http to a loopback address alone.
//!
//! It must not be built from anything but a setting or the cloud's default.

use std::{fmt, net::IpAddr, str::FromStr};

use url::{Host, Url};

/// The address of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

/// Why a text is not the address of a service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is not a URL.
    #[error("not a URL: {0}")]
    Malformed(#[from] url::ParseError),
    /// Plain http is for loopback addresses, and other schemes are for nothing.
    #[error("expected https, or http to 127.0.0.1, [::1] or localhost")]
    Insecure,
    /// It holds credentials, a query or a fragment.
    #[error("expected an address without credentials, query or fragment")]
    NotBare,
}

impl Endpoint {
    /// Reads an address.
    ///
    /// # Errors
    /// Where it is no URL, is not safe, or is more than an address.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let url = Url::parse(text)?;
        let is_safe = match url.scheme() {
            "https" => url.host().is_some(),
            "http" => url.host().is_some_and(|host| is_loopback(&host)),
            _ => false,
        };
        let has_credentials = !url.username().is_empty() || url.password().is_some();
        if has_credentials || url.query().is_some() || url.fragment().is_some() {
            Err(EndpointError::NotBare)
        } else if is_safe {
            Ok(Self(url))
        } else {
            Err(EndpointError::Insecure)
        }
    }

    /// The address of something below this one; `path` begins with a slash.
    pub(crate) fn join(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
            // A form writes a blank as a plus sign, which is one in a URI (RFC 3986, 2.2); real ones are `%2B` by now.
            let query = url.query().map(|text| text.replace('+', "%20"));
            url.set_query(query.as_deref());
        }
        url
    }

    /// Is the URL on this very host, by scheme, name and port, and without credentials?
    pub(crate) fn is_origin_of(&self, url: &Url) -> bool {
        self.0.origin() == url.origin() && url.username().is_empty() && url.password().is_none()
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => IpAddr::V4(*address).is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).is_loopback(),
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        Self::parse(text)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_alone() {
        for good in [
            "https://management.azure.com",
            "http://127.0.0.1:81",
            "http://127.1.2.3",
            "http://[::1]:8080/",
            "http://localhost",
        ] {
            assert!(Endpoint::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://arm.example",
            "http://localhost.example",
            "http://127.0.0.1.nip.example",
            "http://[::ffff:10.0.0.1]",
            "ws://localhost",
            "https://",
        ] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
        for bad in [
            "https://u@arm.example",
            "https://u:p@arm.example",
            "https://arm.example?q",
            "https://arm.example#f",
        ] {
            assert_eq!(Endpoint::parse(bad), Err(EndpointError::NotBare), "{bad}");
        }
    }

    #[test]
    fn a_path_is_put_below_the_address_and_its_query_is_encoded() {
        let endpoint = Endpoint::parse("https://arm.example/base/").unwrap();
        let url = endpoint.join("/subscriptions/s", &[("$filter", "a eq 'b&c'")]);
        assert_eq!(
            url.as_str(),
            "https://arm.example/base/subscriptions/s?%24filter=a%20eq%20%27b%26c%27"
        );
    }

    #[test]
    fn another_port_scheme_or_user_is_another_origin() {
        let endpoint = Endpoint::parse("https://arm.example").unwrap();
        for (url, same) in [
            ("https://arm.example/x", true),
            ("https://ARM.example:443/x", true),
            ("https://arm.example:444/x", false),
            ("http://arm.example/x", false),
            ("https://arm.example.evil/x", false),
            ("https://u@arm.example/x", false),
        ] {
            assert_eq!(
                endpoint.is_origin_of(&Url::parse(url).unwrap()),
                same,
                "{url}"
            );
        }
    }
}
