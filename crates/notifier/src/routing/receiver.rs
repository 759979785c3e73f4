use std::fmt;

/// Someone routes can name, with the ways in which they are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverDefinition {
    /// Unique among the receivers.
    pub name: String,
    /// Each is told on its own; none means that nobody is told.
    pub integrations: Vec<Integration>,
}

/// One way in which a receiver is told. How to reach it, secrets included, is with whoever delivers, under the
/// receiver's name, the kind and the index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integration {
    /// What is spoken.
    pub kind: IntegrationKind,
    /// Which of the receiver's integrations of this kind, from 0.
    pub index: usize,
    /// Where it goes, for people: `slack:#incidents`. Never a secret.
    pub description: String,
    /// Whether it hears of the end, too.
    pub send_resolved: bool,
}

impl Integration {
    /// Whether there is anything here that can deliver to it.
    pub const fn is_deliverable(&self) -> bool {
        self.kind.is_deliverable()
    }
}

/// As Alertmanager names it in logs and metrics: `webhook[0]`.
impl fmt::Display for Integration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.kind.as_str(), self.index)
    }
}

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident $word:literal $key:literal,)*) => {
        /// What Alertmanager can speak, up to version 0.33.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum IntegrationKind {
            $(#[doc = concat!("`", $key, "`")] $name,)*
        }

        impl IntegrationKind {
            /// All of them.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$name),*];

            /// As Alertmanager names it in logs and metrics, such as `webhook`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The key of a receiver that lists integrations of this kind, such as `webhook_configs`.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }
        }
    };
}

kinds! {
    Discord "discord" "discord_configs",
    Email "email" "email_configs",
    Incidentio "incidentio" "incidentio_configs",
    Jira "jira" "jira_configs",
    Mattermost "mattermost" "mattermost_configs",
    MsTeams "msteams" "msteams_configs",
    MsTeamsV2 "msteamsv2" "msteamsv2_configs",
    OpsGenie "opsgenie" "opsgenie_configs",
    PagerDuty "pagerduty" "pagerduty_configs",
    Pushover "pushover" "pushover_configs",
    RocketChat "rocketchat" "rocketchat_configs",
    Slack "slack" "slack_configs",
    Sns "sns" "sns_configs",
    Telegram "telegram" "telegram_configs",
    VictorOps "victorops" "victorops_configs",
    Webex "webex" "webex_configs",
    Webhook "webhook" "webhook_configs",
    WeChat "wechat" "wechat_configs",
}

impl IntegrationKind {
    /// Whether there is anything here that can deliver to it: so far, webhooks.
    pub const fn is_deliverable(self) -> bool {
        matches!(self, Self::Webhook)
    }
}
