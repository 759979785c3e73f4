//! Every key of `global` and of the receivers, up to Alertmanager 0.33.

use assurance_notifier::routing::IntegrationKind;

use super::shape::{Key, Shape};
use Shape::{
    Any, Count, File, Flag, GoSpan, HostPort, Http, List, Map, Number, Secret, SecretUrl, Span, Text,
    TextMap, TextOr, Texts, Tls, Url,
};

/// One kind of integration.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) kind: IntegrationKind,
    pub(crate) keys: &'static [Key],
    /// Whether it hears of the end where nothing is written.
    pub(crate) send_resolved: bool,
    /// Which keys say where it goes, without being secret; the first that is written is shown.
    pub(crate) target: &'static [&'static str],
    /// Of each of these one key must be written, here or in `global`.
    pub(crate) needs: &'static [Need],
    /// Of each of these at most one key may be written.
    pub(crate) apart: &'static [&'static [&'static str]],
}

/// Keys of which one must be written.
#[derive(Debug)]
pub(crate) struct Need {
    /// In the integration.
    pub(crate) own: &'static [&'static str],
    /// In `global`, for all of the kind.
    pub(crate) global: &'static [&'static str],
}

const fn needs(own: &'static [&'static str]) -> Need {
    Need { own, global: &[] }
}

const fn inherits(own: &'static [&'static str], global: &'static [&'static str]) -> Need {
    Need { own, global }
}

/// `r#type` is the key `type`.
const fn key(name: &'static str, shape: Shape) -> Key {
    match name.as_bytes() {
        [b'r', b'#', ..] => Key { name: name.split_at(2).1, shape },
        _ => Key { name, shape },
    }
}

macro_rules! keys {
    ($($name:ident: $shape:expr),* $(,)?) => {
        &[$(key(stringify!($name), $shape)),*]
    };
}

/// The keys every kind has, and those of HTTP clients, with others.
macro_rules! client_keys {
    ($($name:ident: $shape:expr),* $(,)?) => {
        keys!(send_resolved: Flag, http_config: Http, $($name: $shape),*)
    };
}

pub(crate) const GLOBAL: &[Key] = keys!(
    resolve_timeout: Span,
    http_config: Http,
    jira_api_url: Url,
    mattermost_webhook_url: SecretUrl,
    mattermost_webhook_url_file: File,
    opsgenie_api_key: Secret,
    opsgenie_api_key_file: File,
    opsgenie_api_url: Url,
    pagerduty_url: Url,
    rocketchat_api_url: Url,
    rocketchat_token: Secret,
    rocketchat_token_file: File,
    rocketchat_token_id: Secret,
    rocketchat_token_id_file: File,
    slack_api_url: SecretUrl,
    slack_api_url_file: File,
    slack_app_token: Secret,
    slack_app_token_file: File,
    slack_app_url: Url,
    smtp_auth_identity: Text,
    smtp_auth_password: Secret,
    smtp_auth_password_file: File,
    smtp_auth_secret: Secret,
    smtp_auth_secret_file: File,
    smtp_auth_username: Text,
    smtp_force_implicit_tls: Flag,
    smtp_from: Text,
    smtp_hello: Text,
    smtp_require_tls: Flag,
    smtp_smarthost: HostPort,
    smtp_tls_config: Tls,
    telegram_api_url: Url,
    telegram_bot_token: Secret,
    telegram_bot_token_file: File,
    victorops_api_key: Secret,
    victorops_api_key_file: File,
    victorops_api_url: Url,
    webex_api_url: Url,
    wechat_api_corp_id: Text,
    wechat_api_secret: Secret,
    wechat_api_secret_file: File,
    wechat_api_url: Url,
);

/// Keys of `global` of which at most one may be written.
pub(crate) const GLOBAL_APART: &[&[&str]] = &[
    &["mattermost_webhook_url", "mattermost_webhook_url_file"],
    &["opsgenie_api_key", "opsgenie_api_key_file"],
    &["rocketchat_token", "rocketchat_token_file"],
    &["rocketchat_token_id", "rocketchat_token_id_file"],
    &["slack_api_url", "slack_api_url_file"],
    &["slack_app_token", "slack_app_token_file"],
    &["smtp_auth_password", "smtp_auth_password_file"],
    &["smtp_auth_secret", "smtp_auth_secret_file"],
    &["telegram_bot_token", "telegram_bot_token_file"],
    &["victorops_api_key", "victorops_api_key_file"],
    &["wechat_api_secret", "wechat_api_secret_file"],
];

const FIELD: &[Key] = keys!(title: Text, value: Text, short: Flag);

const ATTACHMENT: &[Key] = keys!(
    fallback: Text, color: Text, pretext: Text, text: Text, author_name: Text, author_link: Text,
    author_icon: Text, title: Text, title_link: Text, fields: List(FIELD), thumb_url: Text, footer: Text,
    footer_icon: Text, image_url: Text,
);

const JIRA_FIELD: &[Key] = keys!(template: Text, enable_update: Flag);

/// All kinds, in the order of their names.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        kind: IntegrationKind::Discord,
        keys: client_keys!(
            webhook_url: SecretUrl, webhook_url_file: File, title: Text, message: Text, content: Text,
            username: Text, avatar_url: Text,
        ),
        send_resolved: true,
        target: &["username", "webhook_url_file"],
        needs: &[needs(&["webhook_url", "webhook_url_file"])],
        apart: &[&["webhook_url", "webhook_url_file"]],
    },
    Kind {
        kind: IntegrationKind::Email,
        keys: keys!(
            send_resolved: Flag, to: Text, from: Text, hello: Text, smarthost: HostPort, auth_username: Text,
            auth_password: Secret, auth_password_file: File, auth_secret: Secret, auth_secret_file: File,
            auth_identity: Text, headers: TextMap, html: Text, text: Text, require_tls: Flag, tls_config: Tls,
            force_implicit_tls: Flag, threading: Map(keys!(enabled: Flag, thread_by_date: Text)),
        ),
        send_resolved: false,
        target: &["to"],
        needs: &[
            needs(&["to"]),
            inherits(&["smarthost"], &["smtp_smarthost"]),
            inherits(&["from"], &["smtp_from"]),
        ],
        apart: &[],
    },
    Kind {
        kind: IntegrationKind::Incidentio,
        keys: client_keys!(
            url: Url, url_file: File, alert_source_token: Secret, alert_source_token_file: File,
            max_alerts: Count, timeout: GoSpan,
        ),
        send_resolved: true,
        target: &["url_file"],
        needs: &[needs(&["url", "url_file"])],
        apart: &[&["url", "url_file"], &["alert_source_token", "alert_source_token_file"]],
    },
    Kind {
        kind: IntegrationKind::Jira,
        keys: client_keys!(
            api_url: Url, api_type: Text, project: Text, summary: TextOr(JIRA_FIELD),
            description: TextOr(JIRA_FIELD), labels: Texts, priority: Text, issue_type: Text,
            reopen_transition: Text, resolve_transition: Text, wont_fix_resolution: Text,
            reopen_duration: Span, fields: Any,
        ),
        send_resolved: true,
        target: &["project"],
        needs: &[needs(&["project"]), needs(&["issue_type"]), inherits(&["api_url"], &["jira_api_url"])],
        apart: &[],
    },
    Kind {
        kind: IntegrationKind::Mattermost,
        keys: client_keys!(
            webhook_url: SecretUrl, webhook_url_file: File, channel: Text, username: Text, text: Text,
            fallback: Text, color: Text, pretext: Text, author_name: Text, author_link: Text,
            author_icon: Text, title: Text, title_link: Text, fields: List(FIELD), thumb_url: Text,
            footer: Text, footer_icon: Text, image_url: Text, icon_url: Text, icon_emoji: Text,
            attachments: List(ATTACHMENT), r#type: Text, props: Map(keys!(card: Text)),
            priority: Map(keys!(priority: Text, requested_ack: Flag, persistent_notifications: Flag)),
        ),
        send_resolved: true,
        target: &["channel", "webhook_url_file"],
        needs: &[inherits(
            &["webhook_url", "webhook_url_file"],
            &["mattermost_webhook_url", "mattermost_webhook_url_file"],
        )],
        apart: &[&["webhook_url", "webhook_url_file"]],
    },
    Kind {
        kind: IntegrationKind::MsTeams,
        keys: client_keys!(
            webhook_url: SecretUrl, webhook_url_file: File, title: Text, summary: Text, text: Text,
        ),
        send_resolved: true,
        target: &["webhook_url_file"],
        needs: &[needs(&["webhook_url", "webhook_url_file"])],
        apart: &[&["webhook_url", "webhook_url_file"]],
    },
    Kind {
        kind: IntegrationKind::MsTeamsV2,
        keys: client_keys!(webhook_url: SecretUrl, webhook_url_file: File, title: Text, text: Text),
        send_resolved: true,
        target: &["webhook_url_file"],
        needs: &[needs(&["webhook_url", "webhook_url_file"])],
        apart: &[&["webhook_url", "webhook_url_file"]],
    },
    Kind {
        kind: IntegrationKind::OpsGenie,
        keys: client_keys!(
            api_key: Secret, api_key_file: File, api_url: Url, message: Text, description: Text, source: Text,
            details: TextMap, entity: Text,
            responders: List(keys!(id: Text, name: Text, username: Text, r#type: Text)),
            actions: Text, tags: Text, note: Text, priority: Text, update_alerts: Flag,
        ),
        send_resolved: true,
        target: &["api_url", "api_key_file"],
        needs: &[inherits(&["api_key", "api_key_file"], &["opsgenie_api_key", "opsgenie_api_key_file"])],
        apart: &[&["api_key", "api_key_file"]],
    },
    Kind {
        kind: IntegrationKind::PagerDuty,
        keys: client_keys!(
            routing_key: Secret, routing_key_file: File, service_key: Secret, service_key_file: File,
            url: Url, client: Text, client_url: Text, description: Text, details: Any,
            images: List(keys!(src: Text, alt: Text, href: Text)),
            links: List(keys!(href: Text, text: Text)),
            source: Text, severity: Text, class: Text, component: Text, group: Text, timeout: GoSpan,
        ),
        send_resolved: true,
        target: &["component", "routing_key_file", "service_key_file"],
        needs: &[needs(&["routing_key", "service_key", "routing_key_file", "service_key_file"])],
        apart: &[&["routing_key", "routing_key_file"], &["service_key", "service_key_file"]],
    },
    Kind {
        kind: IntegrationKind::Pushover,
        keys: client_keys!(
            user_key: Secret, user_key_file: File, token: Secret, token_file: File, title: Text,
            message: Text, url: Text, url_title: Text, device: Text, sound: Text, priority: Text,
            retry: GoSpan, expire: GoSpan, ttl: GoSpan, html: Flag, monospace: Flag,
        ),
        send_resolved: true,
        target: &["device", "user_key_file"],
        needs: &[needs(&["user_key", "user_key_file"]), needs(&["token", "token_file"])],
        apart: &[&["user_key", "user_key_file"], &["token", "token_file"]],
    },
    Kind {
        kind: IntegrationKind::RocketChat,
        keys: client_keys!(
            api_url: Url, token_id: Secret, token_id_file: File, token: Secret, token_file: File,
            channel: Text, color: Text, title: Text, title_link: Text, text: Text, fields: List(FIELD),
            short_fields: Flag, emoji: Text, icon_url: Text, image_url: Text, thumb_url: Text,
            link_names: Flag, actions: Any,
        ),
        send_resolved: false,
        target: &["channel"],
        needs: &[
            inherits(&["token_id", "token_id_file"], &["rocketchat_token_id", "rocketchat_token_id_file"]),
            inherits(&["token", "token_file"], &["rocketchat_token", "rocketchat_token_file"]),
        ],
        apart: &[&["token_id", "token_id_file"], &["token", "token_file"]],
    },
    Kind {
        kind: IntegrationKind::Slack,
        keys: client_keys!(
            api_url: SecretUrl, api_url_file: File, app_token: Secret, app_token_file: File, app_url: Url,
            channel: Text, username: Text, color: Text, title: Text, title_link: Text, pretext: Text,
            text: Text, message_text: Text, fields: List(FIELD), short_fields: Flag, footer: Text,
            fallback: Text, callback_id: Text, icon_emoji: Text, icon_url: Text, image_url: Text,
            thumb_url: Text, link_names: Flag, mrkdwn_in: Texts,
            actions: List(keys!(
                r#type: Text, text: Text, url: Text, style: Text, name: Text, value: Text,
                confirm: Map(keys!(text: Text, title: Text, ok_text: Text, dismiss_text: Text)),
            )),
            update_message: Flag, timeout: GoSpan,
        ),
        send_resolved: false,
        target: &["channel", "api_url_file", "app_token_file"],
        needs: &[inherits(
            &["api_url", "api_url_file", "app_token", "app_token_file"],
            &["slack_api_url", "slack_api_url_file", "slack_app_token", "slack_app_token_file"],
        )],
        apart: &[&["api_url", "api_url_file", "app_token", "app_token_file"]],
    },
    Kind {
        kind: IntegrationKind::Sns,
        keys: client_keys!(
            api_url: Text,
            sigv4: Map(keys!(
                region: Text, access_key: Text, secret_key: Secret, profile: Text, role_arn: Text,
                external_id: Text, use_fips_sts_endpoint: Flag,
            )),
            topic_arn: Text, phone_number: Text, target_arn: Text, subject: Text, message: Text,
            attributes: TextMap, use_aws_http_client: Flag,
        ),
        send_resolved: true,
        target: &["topic_arn", "phone_number", "target_arn"],
        needs: &[needs(&["topic_arn", "phone_number", "target_arn"])],
        apart: &[&["topic_arn", "phone_number", "target_arn"]],
    },
    Kind {
        kind: IntegrationKind::Telegram,
        keys: client_keys!(
            api_url: Url, bot_token: Secret, bot_token_file: File, chat_id: Number, chat_id_file: File,
            message_thread_id: Number, message: Text, disable_notifications: Flag, parse_mode: Text,
        ),
        send_resolved: true,
        target: &["chat_id", "chat_id_file"],
        needs: &[
            inherits(&["bot_token", "bot_token_file"], &["telegram_bot_token", "telegram_bot_token_file"]),
            needs(&["chat_id", "chat_id_file"]),
        ],
        apart: &[&["bot_token", "bot_token_file"], &["chat_id", "chat_id_file"]],
    },
    Kind {
        kind: IntegrationKind::VictorOps,
        keys: client_keys!(
            api_key: Secret, api_key_file: File, api_url: Url, routing_key: Text, message_type: Text,
            state_message: Text, entity_display_name: Text, monitoring_tool: Text, custom_fields: TextMap,
        ),
        send_resolved: true,
        // A routing key names a team there; the API key is the secret.
        target: &["routing_key"],
        needs: &[
            needs(&["routing_key"]),
            inherits(&["api_key", "api_key_file"], &["victorops_api_key", "victorops_api_key_file"]),
        ],
        apart: &[&["api_key", "api_key_file"]],
    },
    Kind {
        kind: IntegrationKind::Webex,
        keys: client_keys!(api_url: Url, message: Text, room_id: Text),
        send_resolved: true,
        target: &["room_id"],
        needs: &[needs(&["room_id"])],
        apart: &[],
    },
    Kind {
        kind: IntegrationKind::Webhook,
        keys: client_keys!(
            url: SecretUrl, url_file: File, max_alerts: Count, timeout: GoSpan, payload: Any,
        ),
        send_resolved: true,
        target: &["url_file"],
        needs: &[needs(&["url", "url_file"])],
        apart: &[&["url", "url_file"]],
    },
    Kind {
        kind: IntegrationKind::WeChat,
        keys: client_keys!(
            api_secret: Secret, api_secret_file: File, corp_id: Text, message: Text, api_url: Url,
            to_user: Text, to_party: Text, to_tag: Text, agent_id: Text, message_type: Text,
        ),
        send_resolved: false,
        target: &["to_user", "to_party", "to_tag"],
        needs: &[
            inherits(&["api_secret", "api_secret_file"], &["wechat_api_secret", "wechat_api_secret_file"]),
            inherits(&["corp_id"], &["wechat_api_corp_id"]),
        ],
        apart: &[&["api_secret", "api_secret_file"]],
    },
];
