//! What asks for security that this broker does not have: it must not start, since it would run
//! open while its owner believes it closed.
//!
//! Checked when a configuration is loaded. Keys that Kafka itself ignores in the same situation
//! (`super.users` without an authorizer) are not refused.

use super::error::ConfigError;
use super::{BrokerConfig, Key, key};
use std::sync::Arc;

/// Refuses a configuration under which clients would be less restricted than it says.
pub(super) fn check(config: &BrokerConfig) -> Result<(), ConfigError> {
    listeners(config)?;
    let authorizer = config.get(key::AUTHORIZER_CLASS_NAME);
    if !authorizer.trim().is_empty() {
        let why = "there are no ACLs yet, everybody would be allowed everything";
        return refuse(key::AUTHORIZER_CLASS_NAME.name(), &authorizer, why);
    }
    if config.get(key::ZOOKEEPER_SET_ACL) {
        let why = "nodes in ZooKeeper are not protected by ACLs yet";
        return refuse(key::ZOOKEEPER_SET_ACL.name(), "true", why);
    }
    if config.get(key::ZOOKEEPER_SSL_CLIENT_ENABLE) {
        let why = "the connection to ZooKeeper cannot be encrypted yet";
        return refuse(key::ZOOKEEPER_SSL_CLIENT_ENABLE.name(), "true", why);
    }
    policy(config, key::CREATE_TOPIC_POLICY_CLASS_NAME)?;
    policy(config, key::ALTER_CONFIG_POLICY_CLASS_NAME)
}

fn refuse(key: &str, value: &str, why: &str) -> Result<(), ConfigError> {
    let (key, value, why) = (key.to_owned(), value.to_owned(), why.to_owned());
    Err(ConfigError::Unavailable { key, value, why })
}

fn listeners(config: &BrokerConfig) -> Result<(), ConfigError> {
    for listener in config.listeners() {
        let protocol = listener.protocol.name();
        if protocol != "PLAINTEXT" {
            let why = format!(
                "listener {} has the security protocol {protocol}, but only PLAINTEXT is available",
                listener.name
            );
            return refuse(key::LISTENERS.name(), &listener.to_string(), &why);
        }
    }
    let among_brokers = config.get(key::SECURITY_INTER_BROKER_PROTOCOL);
    if &*among_brokers != "PLAINTEXT" {
        let why = "only PLAINTEXT is available";
        return refuse(key::SECURITY_INTER_BROKER_PROTOCOL.name(), &among_brokers, why);
    }
    let names = config.file().keys().filter(|name| {
        *name == key::SSL_CLIENT_AUTH.name()
            || (name.starts_with("listener.name.") && name.ends_with(".ssl.client.auth"))
    });
    for name in names {
        let value = config.text(name).unwrap_or_default();
        if !value.eq_ignore_ascii_case("none") {
            let why = "clients are not authenticated, since there is no TLS yet";
            return refuse(name, value, why);
        }
    }
    Ok(())
}

fn policy(config: &BrokerConfig, key: Key<Option<Arc<str>>>) -> Result<(), ConfigError> {
    match config.get(key) {
        Some(class) => {
            refuse(key.name(), &class, "a Java class cannot be loaded, nothing would be vetoed")
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::load;

    fn refused(set: &[&str]) -> String {
        let set: Vec<String> = set.iter().map(|one| (*one).to_owned()).collect();
        load(None, &set).unwrap_err().to_string()
    }

    #[test]
    fn security_that_is_not_there_is_refused_with_key_and_reason() {
        let text = refused(&["authorizer.class.name=kafka.security.authorizer.AclAuthorizer"]);
        assert_eq!(
            text,
            "cannot start with authorizer.class.name=kafka.security.authorizer.AclAuthorizer: \
             there are no ACLs yet, everybody would be allowed everything"
        );
        for (set, key) in [
            ("listeners=PLAINTEXT://:9092,SSL://:9093", "listeners=SSL://"),
            ("zookeeper.set.acl=true", "zookeeper.set.acl=true"),
            ("zookeeper.ssl.client.enable=true", "zookeeper.ssl.client.enable=true"),
            ("ssl.client.auth=required", "ssl.client.auth=required"),
            ("listener.name.plaintext.ssl.client.auth=required", "listener.name.plaintext.ssl"),
            ("create.topic.policy.class.name=a.B", "create.topic.policy.class.name=a.B"),
        ] {
            let text = refused(&[set]);
            assert!(text.starts_with(&format!("cannot start with {key}")), "{set}: {text}");
        }
    }

    #[test]
    fn a_listener_is_judged_by_its_protocol_and_not_by_its_name() {
        let map = "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,OUT:SASL_PLAINTEXT";
        let text = refused(&["listeners=PLAINTEXT://:9092,OUT://:9093", map]);
        assert!(text.contains("listener OUT has the security protocol SASL_PLAINTEXT"), "{text}");
        let set = ["ssl.client.auth=none".to_owned(), "super.users=User:a".to_owned()];
        assert!(load(None, &set).is_ok());
    }
}
