variable "name" {
  type        = string
  description = "The beginning of all names, as for the module data."

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,39}$", var.name))
    error_message = "name must begin with a letter and have at most 40 letters, digits and hyphens."
  }
}

variable "kms_key_arn" {
  type        = string
  description = "The output kms_key_arn of the module data."

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "former_kms_key_arns" {
  type        = list(string)
  default     = []
  description = "The ARNs of other KMS keys with which API keys were made before."
}

variable "catalog_bucket" {
  type        = string
  default     = ""
  description = "The S3 bucket of the catalog folder. Empty for none."

  validation {
    condition     = can(regex("^[a-z0-9.-]*$", var.catalog_bucket))
    error_message = "catalog_bucket must be the name of a bucket, or empty."
  }
}

variable "catalog_prefix" {
  type        = string
  default     = ""
  description = "The prefix of the catalog folder in its bucket, without slashes at the ends. Empty for the whole bucket."

  validation {
    condition     = can(regex("^([^/*?$]([^*?$]*[^/*?$])?)?$", var.catalog_prefix))
    error_message = "catalog_prefix must not begin or end with a slash, or have one of the characters * ? $."
  }
}

variable "ses_identity_arn" {
  type        = string
  default     = ""
  description = "The ARN of the SES identity that notices come from. Empty sends no mail by SES."

  validation {
    condition     = can(regex("^(arn:[a-z-]+:ses:[a-z0-9-]+:[0-9]{12}:identity/.+)?$", var.ses_identity_arn))
    error_message = "ses_identity_arn must be the ARN of an SES identity, or empty."
  }
}

variable "operators_topic_arn" {
  type        = string
  default     = ""
  description = "The ARN of the SNS topic that workers tell of alarms. Empty for none."

  validation {
    condition     = can(regex("^(arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+)?$", var.operators_topic_arn))
    error_message = "operators_topic_arn must be the ARN of a standard SNS topic, or empty."
  }
}

variable "marketplace_role_arn" {
  type        = string
  default     = ""
  description = "The ARN of the role in the seller's AWS account that portal and workers assume. Empty for none."

  validation {
    condition     = can(regex("^(arn:[a-z-]+:iam::[0-9]{12}:role/.+)?$", var.marketplace_role_arn))
    error_message = "marketplace_role_arn must be the ARN of a role, or empty."
  }
}

variable "seller" {
  type        = bool
  default     = false
  description = "Whether this AWS account itself sells plans on AWS Marketplace, so that no role is needed."
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

variable "adopted_keys" {
  type        = bool
  default     = false
  description = "Whether the portal may read the values of API keys, to reveal those taken over from an earlier portal."
}
