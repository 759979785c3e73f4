//! The file as it is written. Keys that are known and not done are [`Known`]; what is wrong with the values is
//! said by those who make configuration of them.

use std::collections::BTreeMap;

use assurance_diagnostics::yaml::Bool;

use crate::scalar::{Hidden, Size, Span};

/// Makes a mapping whose keys are all optional, and tells which of the keys that are not done are written:
/// `refused` would change what happens, `ignored` can be left alone.
macro_rules! mapping {
    (
        $(#[$meta:meta])*
        $name:ident { $($field:ident: $kind:ty,)* }
        $(refused { $($refused:ident,)* })?
        $(ignored { $($ignored:ident,)* })?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            $(pub(crate) $field: Option<$kind>,)*
            $($($refused: Option<$crate::scalar::Known>,)*)?
            $($($ignored: Option<$crate::scalar::Known>,)*)?
        }

        impl $name {
            $(
                /// Keys that are written and not done, though that changes what happens.
                pub(crate) fn refused(&self) -> Vec<&'static str> {
                    $crate::raw::written(&[$((stringify!($refused), self.$refused.is_some()),)*])
                }
            )?
            $(
                /// Keys that are written and not done, where that breaks nothing.
                pub(crate) fn ignored(&self) -> Vec<&'static str> {
                    $crate::raw::written(&[$((stringify!($ignored), self.$ignored.is_some()),)*])
                }
            )?
        }
    };
}

pub(crate) use mapping;

pub(crate) fn written(keys: &[(&'static str, bool)]) -> Vec<&'static str> {
    keys.iter().filter(|(_, there)| *there).map(|(key, _)| *key).collect()
}

/// The same for a mapping that also says how an HTTP client behaves and where targets are found.
macro_rules! client_mapping {
    (
        $(#[$meta:meta])*
        $name:ident { $($field:ident: $kind:ty,)* }
        refused { $($refused:ident,)* }
        ignored { $($ignored:ident,)* }
    ) => {
        mapping! {
            $(#[$meta])*
            $name {
                $($field: $kind,)*
                static_configs: Vec<Option<Group>>,
                file_sd_configs: Vec<Option<FileSd>>,
                basic_auth: BasicAuth,
                authorization: Authorization,
                bearer_token: Hidden,
                bearer_token_file: String,
                tls_config: Tls,
                follow_redirects: Bool,
                enable_http2: Bool,
                http_headers: BTreeMap<String, Option<Header>>,
                proxy_url: String,
                no_proxy: String,
                proxy_from_environment: Bool,
            }
            refused {
                    $($refused,)*
                    oauth2,
                    proxy_connect_header,
                    azure_sd_configs,
                    consul_sd_configs,
                    digitalocean_sd_configs,
                    dns_sd_configs,
                    docker_sd_configs,
                    dockerswarm_sd_configs,
                    ec2_sd_configs,
                    eureka_sd_configs,
                    gce_sd_configs,
                    hetzner_sd_configs,
                    http_sd_configs,
                    ionos_sd_configs,
                    kubernetes_sd_configs,
                    kuma_sd_configs,
                    lightsail_sd_configs,
                    linode_sd_configs,
                    marathon_sd_configs,
                    nerve_sd_configs,
                    nomad_sd_configs,
                    openstack_sd_configs,
                    ovhcloud_sd_configs,
                    puppetdb_sd_configs,
                    scaleway_sd_configs,
                    serverset_sd_configs,
                    stackit_sd_configs,
                    triton_sd_configs,
                    uyuni_sd_configs,
                    vultr_sd_configs,
            }
            ignored { $($ignored,)* }
        }

        impl $name {
            /// The keys about the HTTP client.
            pub(crate) fn client(&mut self) -> Client {
                Client {
                    basic_auth: self.basic_auth.take(),
                    authorization: self.authorization.take(),
                    bearer_token: self.bearer_token.take(),
                    bearer_token_file: self.bearer_token_file.take(),
                    tls_config: self.tls_config.take(),
                    follow_redirects: self.follow_redirects,
                    http_headers: self.http_headers.take(),
                    proxy_url: self.proxy_url.take(),
                    proxy_from_environment: self.proxy_from_environment,
                }
            }
        }
    };
}

mapping! {
    /// The whole file.
    File {
        global: Global,
        scrape_configs: Vec<Option<Scrape>>,
        rule_files: Vec<String>,
        alerting: Alerting,
        storage: Storage,
    }
    refused { remote_write, remote_read, scrape_config_files, }
    ignored { runtime, tracing, otlp, }
}

mapping! {
    /// `global`
    Global {
        scrape_interval: Span,
        scrape_timeout: Span,
        scrape_protocols: Vec<String>,
        evaluation_interval: Span,
        rule_query_offset: Span,
        external_labels: BTreeMap<String, String>,
        body_size_limit: Size,
        sample_limit: u64,
        target_limit: u64,
        label_limit: u64,
        label_name_length_limit: u64,
        label_value_length_limit: u64,
        keep_dropped_targets: u64,
        convert_classic_histograms_to_nhcb: Bool,
        metric_name_escaping_scheme: String,
        metric_name_validation_scheme: String,
        extra_scrape_metrics: Bool,
    }
    ignored {
        always_scrape_classic_histograms,
        query_log_file,
        scrape_failure_log_file,
        scrape_native_histograms,
    }
}

client_mapping! {
    /// One of `scrape_configs`
    Scrape {
        job_name: String,
        scrape_interval: Span,
        scrape_timeout: Span,
        scrape_protocols: Vec<String>,
        fallback_scrape_protocol: String,
        metrics_path: String,
        scheme: String,
        params: BTreeMap<String, Vec<String>>,
        honor_labels: Bool,
        honor_timestamps: Bool,
        track_timestamps_staleness: Bool,
        enable_compression: Bool,
        relabel_configs: Vec<Option<Relabel>>,
        metric_relabel_configs: Vec<Option<Relabel>>,
        body_size_limit: Size,
        sample_limit: u64,
        target_limit: u64,
        label_limit: u64,
        label_name_length_limit: u64,
        label_value_length_limit: u64,
        keep_dropped_targets: u64,
        convert_classic_histograms_to_nhcb: Bool,
        metric_name_escaping_scheme: String,
        metric_name_validation_scheme: String,
        extra_scrape_metrics: Bool,
    }
    refused {}
    ignored {
        always_scrape_classic_histograms,
        native_histogram_bucket_limit,
        native_histogram_min_bucket_factor,
        scrape_classic_histograms,
        scrape_failure_log_file,
        scrape_native_histograms,
    }
}

mapping! {
    /// `alerting`
    Alerting {
        alert_relabel_configs: Vec<Option<Relabel>>,
        alertmanagers: Vec<Option<Alertmanager>>,
    }
}

client_mapping! {
    /// One of `alertmanagers`
    Alertmanager {
        scheme: String,
        path_prefix: String,
        timeout: Span,
        api_version: String,
        relabel_configs: Vec<Option<Relabel>>,
        alert_relabel_configs: Vec<Option<Relabel>>,
    }
    refused { sigv4, }
    ignored {}
}

mapping! {
    /// `storage`
    Storage {
        tsdb: Tsdb,
    }
    ignored { exemplars, }
}

mapping! {
    /// `storage.tsdb`
    Tsdb {
        out_of_order_time_window: Span,
        retention: Retention,
    }
}

mapping! {
    /// `storage.tsdb.retention`
    Retention {
        time: Span,
        size: Size,
    }
    refused { percentage, }
}

mapping! {
    /// One of `static_configs`
    Group {
        targets: Vec<String>,
        labels: BTreeMap<String, String>,
    }
}

mapping! {
    /// One of `file_sd_configs`
    FileSd {
        files: Vec<String>,
        refresh_interval: Span,
    }
}

mapping! {
    /// One of the lists of relabelling rules
    Relabel {
        source_labels: Vec<String>,
        separator: String,
        target_label: String,
        regex: String,
        modulus: u64,
        replacement: String,
        action: String,
    }
}

mapping! {
    /// `basic_auth`
    BasicAuth {
        username: String,
        username_file: String,
        password: Hidden,
        password_file: String,
    }
    refused { username_ref, password_ref, }
}

mapping! {
    /// `authorization`
    Authorization {
        r#type: String,
        credentials: Hidden,
        credentials_file: String,
    }
    refused { credentials_ref, }
}

mapping! {
    /// `tls_config`
    Tls {
        ca: String,
        cert: String,
        key: Hidden,
        ca_file: String,
        cert_file: String,
        key_file: String,
        server_name: String,
        insecure_skip_verify: Bool,
        min_version: String,
        max_version: String,
    }
    refused { ca_ref, cert_ref, key_ref, }
}

mapping! {
    /// One of `http_headers`
    Header {
        values: Vec<String>,
        secrets: Vec<Hidden>,
        files: Vec<String>,
    }
}

/// The keys about the HTTP client, of whatever mapping.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) basic_auth: Option<BasicAuth>,
    pub(crate) authorization: Option<Authorization>,
    pub(crate) bearer_token: Option<Hidden>,
    pub(crate) bearer_token_file: Option<String>,
    pub(crate) tls_config: Option<Tls>,
    pub(crate) follow_redirects: Option<Bool>,
    pub(crate) http_headers: Option<BTreeMap<String, Option<Header>>>,
    pub(crate) proxy_url: Option<String>,
    pub(crate) proxy_from_environment: Option<Bool>,
}
