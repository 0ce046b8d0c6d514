//! Values taken from elsewhere: `${file:/run/secrets.properties:password}` (KIP-297).
//!
//! `config.providers` names providers, `config.providers.<name>.class` says which of Kafka's three
//! each is; they are done here without Java. It does not know which keys hold secrets.

use super::error::ConfigError;
use super::{Properties, load};
use std::path::Path;

/// A provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Provider {
    /// `path:key`: a key of a properties file.
    File,
    /// `path:name`: the content of a file in a directory.
    Directory,
    /// `NAME`: an environment variable.
    Environment,
}

/// Replaces every reference to a provider; a reference to something unknown is an error.
pub(super) fn resolve(properties: &mut Properties) -> Result<(), ConfigError> {
    let Some(names) = properties.get("config.providers").cloned() else { return Ok(()) };
    let mut providers = Vec::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let key = format!("config.providers.{name}.class");
        let class = properties.get(&key).map(String::as_str).unwrap_or_default();
        let provider = match class.rsplit('.').next() {
            Some("FileConfigProvider") => Provider::File,
            Some("DirectoryConfigProvider") => Provider::Directory,
            Some("EnvVarConfigProvider") => Provider::Environment,
            _ => {
                let why = "only Kafka's own file, directory and environment providers are known";
                let (value, why) = (class.to_owned(), why.to_owned());
                return Err(ConfigError::Invalid { key, value, why });
            }
        };
        providers.push((name.to_owned(), provider));
    }
    for (key, value) in properties.iter_mut() {
        *value = replaced(key, value, &providers)?;
    }
    Ok(())
}

/// The value with its references replaced; text that names no provider stays as it is.
fn replaced(
    key: &str,
    value: &str,
    providers: &[(String, Provider)],
) -> Result<String, ConfigError> {
    let mut result = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((reference, tail)) = after.split_once('}') else { break };
        result.push_str(before);
        let (name, what) = reference.split_once(':').unwrap_or((reference, ""));
        match providers.iter().find(|(known, _)| known == name) {
            Some((_, provider)) => {
                result.push_str(&look_up(*provider, what).map_err(|why| ConfigError::Invalid {
                    key: key.to_owned(),
                    value: format!("${{{reference}}}"),
                    why,
                })?)
            }
            None => {
                result.push_str("${");
                result.push_str(reference);
                result.push('}');
            }
        }
        rest = tail;
    }
    result.push_str(rest);
    Ok(result)
}

fn look_up(provider: Provider, what: &str) -> Result<String, String> {
    let (path, name) = what.rsplit_once(':').unwrap_or(("", what));
    let unreadable = |error: std::io::Error| format!("cannot read {path}: {error}");
    match provider {
        Provider::Environment => {
            std::env::var(name).map_err(|_| format!("no environment variable {name}"))
        }
        Provider::Directory => {
            let path = Path::new(path).join(name);
            let text = std::fs::read_to_string(&path);
            text.map_err(|error| format!("cannot read {}: {error}", path.display()))
        }
        Provider::File => {
            let bytes = std::fs::read(path).map_err(unreadable)?;
            let mut properties = load::parse_properties(&bytes)?;
            properties.remove(name).ok_or_else(|| format!("{path} has no {name}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&str, &str)]) -> Properties {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn a_value_comes_from_a_file_or_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secrets.properties");
        std::fs::write(&file, "password=a b\n").unwrap();
        let (dir, file) = (dir.path().display(), file.display());
        let mut set = properties(&[
            ("config.providers", "file, dir"),
            (
                "config.providers.file.class",
                "org.apache.kafka.common.config.provider.FileConfigProvider",
            ),
            ("config.providers.dir.class", "x.DirectoryConfigProvider"),
            ("ssl.key.password", &format!("<${{file:{file}:password}}>")),
            ("broker.rack", &format!("${{dir:{dir}:secrets.properties}}")),
            ("sasl.jaas.config", "${other:x}"),
        ]);
        resolve(&mut set).unwrap();
        assert_eq!(set["ssl.key.password"], "<a b>");
        assert_eq!(set["broker.rack"], "password=a b\n");
        assert_eq!(set["sasl.jaas.config"], "${other:x}");
    }

    #[test]
    fn what_cannot_be_found_is_an_error() {
        let env = ("config.providers.env.class", "x.EnvVarConfigProvider");
        let mut set = properties(&[("config.providers", "env"), env]);
        set.insert("broker.rack".into(), "${env:OTTLA_NO_SUCH_VARIABLE}".into());
        let error = resolve(&mut set).unwrap_err().to_string();
        assert!(error.contains("no environment variable OTTLA_NO_SUCH_VARIABLE"), "{error}");
        let mut set = properties(&[("config.providers", "vault")]);
        assert!(resolve(&mut set).is_err());
    }
}
