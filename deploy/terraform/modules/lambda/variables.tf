variable "name" {
  type        = string
  description = "The beginning of all names, as for the module data."

  validation {
    condition     = can(regex("^([A-Za-z][A-Za-z0-9-]{0,39})$", var.name))
    error_message = "name must begin with a letter and have at most 40 letters, digits and hyphens."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "The output kms_key_arn of the module data."

  validation {
    condition     = can(regex("^(arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+)$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "portal_policy_arns" {
  type        = list(string)
  description = "The output portal_policy_arns of the module permissions."
}

variable "worker_policy_arns" {
  type        = list(string)
  description = "The output worker_policy_arns of the module permissions."
}

variable "code_bucket" {
  type        = string
  description = "The S3 bucket, in this Region, of the zip that make lambda builds."

  validation {
    condition     = can(regex("^([a-z0-9][a-z0-9.-]+)$", var.code_bucket))
    error_message = "code_bucket must be the name of a bucket."
  }
}

variable "code_key" {
  type        = string
  description = "The key of the zip in its bucket. A new version needs a new key, or the functions keep the old one."

  validation {
    condition     = can(regex("^([^/].*)$", var.code_key))
    error_message = "code_key must not be empty or begin with a slash."
  }
}

variable "architecture" {
  type        = string
  default     = "arm64"
  description = "The processor that the zip was built for. The zip for x86_64 has amd64 in its name."

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be one of arm64, x86_64."
  }
}

variable "workers" {
  type        = string
  default     = "running"
  description = "Whether queues and schedule invoke the worker. With stopped, requests wait in the queues."

  validation {
    condition     = contains(["running", "stopped"], var.workers)
    error_message = "workers must be running or stopped."
  }
}

variable "max_concurrency" {
  type        = number
  default     = 10
  description = "How many invocations of the worker each queue may have at once. The queues jobs and marketplace, and the dead-letter queues, have no limit of their own."

  validation {
    condition     = var.max_concurrency >= 2 && var.max_concurrency <= 1000
    error_message = "max_concurrency must be 2 to 1000."
  }
}

variable "metrics" {
  type        = string
  default     = "cloudwatch"
  description = "Whether workers write five metrics for CloudWatch, which the alarms and the dashboard of the module operations show."

  validation {
    condition     = contains(["none", "cloudwatch"], var.metrics)
    error_message = "metrics must be one of none, cloudwatch."
  }
}

variable "traces_endpoint" {
  type        = string
  default     = ""
  description = "Where a collector of OpenTelemetry takes traces by HTTP, such as http://localhost:4318. Empty for no traces."

  validation {
    condition     = can(regex("^(https?://.+)?$", var.traces_endpoint))
    error_message = "traces_endpoint must begin with http:// or https://, or be empty."
  }
}

variable "traces_ratio" {
  type        = number
  default     = 1
  description = "The part of traces that is kept, from 0 to 1."

  validation {
    condition     = var.traces_ratio >= 0 && var.traces_ratio <= 1
    error_message = "traces_ratio must be from 0 to 1."
  }
}

variable "traces_layer_arn" {
  type        = string
  default     = ""
  description = "The ARN of a version of a layer that runs a collector beside the functions. Empty for none."

  validation {
    condition     = can(regex("^(arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:layer:.+:[0-9]+)?$", var.traces_layer_arn))
    error_message = "traces_layer_arn must be the ARN of a layer's version, or empty."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 30
  description = "How many days CloudWatch keeps the logs."

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

variable "domain_name" {
  type        = string
  default     = ""
  description = "The portal's host name, such as portal.example.com. Empty for the address that AWS gives the HTTP API."

  validation {
    condition     = can(regex("^([a-z0-9-]+([.][a-z0-9-]+)+)?$", var.domain_name))
    error_message = "domain_name must be a host name in lower case, without https and without a path, or empty."
  }
}

variable "certificate_arn" {
  type        = string
  default     = ""
  description = "The ARN of the host name's certificate in AWS Certificate Manager, in this Region. Needed with domain_name."

  validation {
    condition     = can(regex("^(arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+)?$", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate, or empty."
  }
}

variable "hosted_zone_id" {
  type        = string
  default     = ""
  description = "The hosted zone in Route 53 that gets the host name's record. Empty if you make the record yourself."
}

variable "oidc_issuer" {
  type        = string
  description = "The issuer of the identity provider. The output oidc_issuer of the module identity, if you use it."

  validation {
    condition     = can(regex("^(https://.+)$", var.oidc_issuer))
    error_message = "oidc_issuer must be an https address."
  }
}

variable "oidc_client_id" {
  type        = string
  description = "The portal's client at the identity provider."

  validation {
    condition     = can(regex("^(.+)$", var.oidc_client_id))
    error_message = "oidc_client_id must not be empty."
  }
}

variable "oidc_sign_up_url" {
  type        = string
  default     = ""
  description = "The identity provider's sign-up page. Empty lets people start at the sign-in page."
}

variable "oidc_sign_out_url" {
  type        = string
  default     = ""
  description = "Where signing out leads. Empty is what the identity provider announces. Cognito announces nothing."
}

variable "oidc_groups_claim" {
  type        = string
  default     = "cognito:groups"
  description = "The claim that lists a person's groups."
}

variable "admin_group" {
  type        = string
  default     = "admins"
  description = "The group whose members are admins of the portal."
}

variable "registration" {
  type        = string
  default     = "open"
  description = "Who gets an account after signing in."

  validation {
    condition     = contains(["open", "approval", "invitation"], var.registration)
    error_message = "registration must be one of open, approval, invitation."
  }
}

variable "offer" {
  type        = string
  default     = "tagged"
  description = "Which usage plans the portal offers."

  validation {
    condition     = contains(["tagged", "all"], var.offer)
    error_message = "offer must be one of tagged, all."
  }
}

variable "keys" {
  type        = string
  default     = "account"
  description = "Whether an account has keys for all its subscriptions, or keys for each of them."

  validation {
    condition     = contains(["account", "plan"], var.keys)
    error_message = "keys must be one of account, plan."
  }
}

variable "keys_per_ring" {
  type        = number
  default     = 1
  description = "How many live keys an account, or with keys = \"plan\" a subscription, may have."

  validation {
    condition     = var.keys_per_ring >= 1 && var.keys_per_ring <= 20
    error_message = "keys_per_ring must be 1 to 20."
  }
}

variable "quota_share" {
  type        = number
  default     = 0.5
  description = "The part of API Gateway's control-plane quotas that all workers together may use."

  validation {
    condition     = var.quota_share >= 0.01 && var.quota_share <= 1
    error_message = "quota_share must be 0.01 to 1."
  }
}

variable "catalog_bucket" {
  type        = string
  default     = ""
  description = "The S3 bucket of the catalog folder. Empty for none. As for the module permissions."
}

variable "catalog_prefix" {
  type        = string
  default     = ""
  description = "The prefix of the catalog folder in its bucket. As for the module permissions."
}

variable "mail_from" {
  type        = string
  default     = ""
  description = "The sender of notices, such as Acme <portal@example.com>, whose SES identity the module permissions names. Empty sends no notices by mail."
}

variable "operators_topic_arn" {
  type        = string
  default     = ""
  description = "The SNS topic that workers tell of alarms, such as the output alarms_topic_arn of the module operations. Empty for none. As for the module permissions."

  validation {
    condition     = can(regex("^(arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+)?$", var.operators_topic_arn))
    error_message = "operators_topic_arn must be the ARN of a standard SNS topic, or empty."
  }
}

variable "operators_webhook" {
  type        = string
  default     = ""
  sensitive   = true
  description = "The https address that workers send signed alarms to. Empty for none."

  validation {
    condition     = can(regex("^(https://.+)?$", var.operators_webhook))
    error_message = "operators_webhook must begin with https://, or be empty."
  }
}

variable "security_contact" {
  type        = string
  default     = ""
  description = "Where to report a vulnerability, an https address or an e-mail address. Empty for none."
}

variable "marketplace_role_arn" {
  type        = string
  default     = ""
  description = "The role in the seller's AWS account that portal and workers assume. As for the module permissions."
}

variable "marketplace_topics" {
  type        = list(string)
  default     = []
  description = "The ARNs of the SNS topics whose notices of AWS Marketplace count. As for the module data."
}

variable "marketplace_accounts" {
  type        = list(string)
  default     = []
  description = "The AWS accounts of sellers, whose event bus sends notices. As for the module data."
}

variable "trail" {
  type        = string
  default     = "off"
  description = "Whether workers read the queue of the module trail, which tells them of changes in API Gateway."

  validation {
    condition     = contains(["off", "on"], var.trail)
    error_message = "trail must be off or on."
  }
}
