//! The Azure clouds: addresses, token scopes and suffixes of each.
//!
//! It must not hold what a setting may override beyond its default.

use std::str::FromStr;

/// An Azure cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    /// The public cloud.
    Public,
    /// US Government.
    UsGov,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// The address of ARM.
    pub fn arm_endpoint(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com",
            Self::UsGov => "https://management.usgovcloudapi.net",
            Self::China => "https://management.chinacloudapi.cn",
        }
    }

    /// The address of Microsoft Graph, without a version.
    pub fn graph_endpoint(self) -> &'static str {
        match self {
            Self::Public => "https://graph.microsoft.com",
            Self::UsGov => "https://graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }

    /// The suffix of the addresses of vaults.
    pub fn vault_suffix(self) -> &'static str {
        match self {
            Self::Public => "vault.azure.net",
            Self::UsGov => "vault.usgovcloudapi.net",
            Self::China => "vault.azure.cn",
        }
    }

    /// The scope of tokens for ARM.
    pub fn arm_scope(self) -> &'static str {
        match self {
            Self::Public => "https://management.azure.com/.default",
            Self::UsGov => "https://management.usgovcloudapi.net/.default",
            Self::China => "https://management.chinacloudapi.cn/.default",
        }
    }

    /// The scope of tokens for Microsoft Graph.
    pub fn graph_scope(self) -> &'static str {
        match self {
            Self::Public => "https://graph.microsoft.com/.default",
            Self::UsGov => "https://graph.microsoft.us/.default",
            Self::China => "https://microsoftgraph.chinacloudapi.cn/.default",
        }
    }

    /// The scope of tokens for Service Bus: the same in every cloud.
    pub fn service_bus_scope(self) -> &'static str {
        "https://servicebus.azure.net/.default"
    }
}

/// The text names no cloud.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected public, usgov or china")]
pub struct UnknownCloud;

impl FromStr for Cloud {
    type Err = UnknownCloud;

    fn from_str(text: &str) -> Result<Self, UnknownCloud> {
        match text {
            "public" => Ok(Self::Public),
            "usgov" => Ok(Self::UsGov),
            "china" => Ok(Self::China),
            _ => Err(UnknownCloud),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clouds_token_scope_is_that_of_its_address() {
        for cloud in [Cloud::Public, Cloud::UsGov, Cloud::China] {
            assert_eq!(
                cloud.arm_scope(),
                format!("{}/.default", cloud.arm_endpoint())
            );
            assert_eq!(
                cloud.graph_scope(),
                format!("{}/.default", cloud.graph_endpoint())
            );
        }
        assert_eq!("moon".parse::<Cloud>(), Err(UnknownCloud));
    }
}
