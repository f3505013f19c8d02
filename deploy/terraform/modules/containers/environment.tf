locals {
  # What portal and worker must agree on.
  shared = merge(
    {
      AWS_REGION              = local.region
      GATEHOUSE_PREFIX        = var.name
      GATEHOUSE_KMS_KEY       = var.kms_key_arn
      GATEHOUSE_BASE_URL      = local.base_url
      GATEHOUSE_LOG_FORMAT    = "json"
      GATEHOUSE_REGISTRATION  = var.registration
      GATEHOUSE_KEYS_PER_RING = tostring(var.keys_per_ring)
      GATEHOUSE_KEYS          = var.keys
    },
    var.trail == "off" ? {} : { GATEHOUSE_TRAIL = var.trail },
    { for sender in compact([var.mail_from]) : "GATEHOUSE_MAIL" => "ses" },
    { for sender in compact([var.mail_from]) : "GATEHOUSE_MAIL_FROM" => sender },
    { for role in compact([var.marketplace_role_arn]) : "GATEHOUSE_MARKETPLACE_ROLE_ARN" => role },
    { for endpoint in compact([var.traces_endpoint]) : "OTEL_EXPORTER_OTLP_ENDPOINT" => endpoint },
    { for endpoint in compact([var.traces_endpoint]) : "OTEL_TRACES_SAMPLER" => "parentbased_traceidratio" },
    { for endpoint in compact([var.traces_endpoint]) : "OTEL_TRACES_SAMPLER_ARG" => tostring(var.traces_ratio) },
  )

  portal_environment = merge(
    local.shared,
    {
      GATEHOUSE_OIDC_ISSUER       = var.oidc_issuer
      GATEHOUSE_OIDC_CLIENT_ID    = var.oidc_client_id
      GATEHOUSE_OIDC_GROUPS_CLAIM = var.oidc_groups_claim
      GATEHOUSE_ADMIN_GROUP       = var.admin_group
      # An HTTP API is no proxy whose X-Forwarded-For can be trusted.
      GATEHOUSE_TRUSTED_PROXIES = local.small ? "none" : join(",", var.trusted_proxies)
    },
    { for url in compact([var.oidc_sign_up_url]) : "GATEHOUSE_OIDC_SIGN_UP_URL" => url },
    { for url in compact([var.oidc_sign_out_url]) : "GATEHOUSE_OIDC_SIGN_OUT_URL" => url },
    { for contact in compact([var.security_contact]) : "GATEHOUSE_SECURITY_CONTACT" => contact },
  )

  worker_environment = merge(
    local.shared,
    {
      GATEHOUSE_METRICS     = var.metrics
      GATEHOUSE_OFFER       = var.offer
      GATEHOUSE_QUOTA_SHARE = tostring(var.quota_share)
    },
    { for folder in local.catalogs : "GATEHOUSE_CATALOG" => folder },
    { for topic in compact([var.operators_topic_arn]) : "GATEHOUSE_OPERATORS_TOPIC" => topic },
    { for address in compact([var.operators_webhook]) : "GATEHOUSE_OPERATORS_WEBHOOK" => address },
    { for topics in compact([join(",", var.marketplace_topics)]) : "GATEHOUSE_MARKETPLACE_TOPICS" => topics },
    { for accounts in compact([join(",", var.marketplace_accounts)]) : "GATEHOUSE_MARKETPLACE_ACCOUNTS" => accounts },
  )
}
