locals {
  # What portal and worker must agree on.
  shared = merge(
    {
      GATEHOUSE_PREFIX        = var.name
      GATEHOUSE_KMS_KEY       = var.kms_key_arn
      GATEHOUSE_BASE_URL      = local.base_url
      GATEHOUSE_LOG_FORMAT    = "json"
      GATEHOUSE_REGISTRATION  = var.registration
      GATEHOUSE_KEYS_PER_RING = tostring(var.keys_per_ring)
      GATEHOUSE_KEYS          = var.keys
    },
    var.trail == "off" ? {} : { GATEHOUSE_TRAIL = var.trail },
    var.mail_from == "" ? {} : {
      GATEHOUSE_MAIL      = "ses"
      GATEHOUSE_MAIL_FROM = var.mail_from
    },
    var.marketplace_role_arn == "" ? {} : { GATEHOUSE_MARKETPLACE_ROLE_ARN = var.marketplace_role_arn },
    var.traces_endpoint == "" ? {} : {
      OTEL_EXPORTER_OTLP_ENDPOINT = var.traces_endpoint
      OTEL_TRACES_SAMPLER         = "parentbased_traceidratio"
      OTEL_TRACES_SAMPLER_ARG     = tostring(var.traces_ratio)
    },
  )

  portal_environment = merge(
    local.shared,
    {
      GATEHOUSE_OIDC_ISSUER       = var.oidc_issuer
      GATEHOUSE_OIDC_CLIENT_ID    = var.oidc_client_id
      GATEHOUSE_OIDC_GROUPS_CLAIM = var.oidc_groups_claim
      GATEHOUSE_ADMIN_GROUP       = var.admin_group
      # API Gateway itself tells the function the caller's address.
      GATEHOUSE_TRUSTED_PROXIES = "none"
    },
    var.oidc_sign_up_url == "" ? {} : { GATEHOUSE_OIDC_SIGN_UP_URL = var.oidc_sign_up_url },
    var.oidc_sign_out_url == "" ? {} : { GATEHOUSE_OIDC_SIGN_OUT_URL = var.oidc_sign_out_url },
    var.security_contact == "" ? {} : { GATEHOUSE_SECURITY_CONTACT = var.security_contact },
  )

  worker_environment = merge(
    local.shared,
    {
      GATEHOUSE_METRICS     = var.metrics
      GATEHOUSE_OFFER       = var.offer
      GATEHOUSE_QUOTA_SHARE = tostring(var.quota_share)
    },
    var.catalog_bucket == "" ? {} : { GATEHOUSE_CATALOG = join("/", compact(["s3://${var.catalog_bucket}", var.catalog_prefix])) },
    var.operators_topic_arn == "" ? {} : { GATEHOUSE_OPERATORS_TOPIC = var.operators_topic_arn },
    var.operators_webhook == "" ? {} : { GATEHOUSE_OPERATORS_WEBHOOK = var.operators_webhook },
    length(var.marketplace_topics) == 0 ? {} : { GATEHOUSE_MARKETPLACE_TOPICS = join(",", var.marketplace_topics) },
    length(var.marketplace_accounts) == 0 ? {} : { GATEHOUSE_MARKETPLACE_ACCOUNTS = join(",", var.marketplace_accounts) },
  )
}
