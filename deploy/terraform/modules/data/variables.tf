variable "name" {
  type        = string
  description = "The beginning of all names. The processes need it as GATEHOUSE_PREFIX."

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,39}$", var.name))
    error_message = "name must begin with a letter and have at most 40 letters, digits and hyphens."
  }
}

variable "kms_key_arn" {
  type        = string
  default     = ""
  description = "The ARN of an existing HMAC_256 key with which API keys were made before. Empty creates a key."

  validation {
    condition     = var.kms_key_arn == "" || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/[a-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key, or empty."
  }
}

variable "key_users" {
  type        = list(string)
  default     = []
  description = "The ARNs of the only roles and users that may compute API keys with the KMS key: those of the portal, the worker, operators, and your own. Empty leaves this to the IAM policies of the AWS account. Ignored if kms_key_arn is set."
}

variable "queue_visibility" {
  type        = number
  default     = 30
  description = "How many seconds a message stays hidden if AWS Lambda stops a worker in the middle of it. Workers in containers ignore it."

  validation {
    condition     = var.queue_visibility >= 30 && var.queue_visibility <= 900
    error_message = "queue_visibility must be 30 to 900 seconds."
  }
}

variable "marketplace_topics" {
  type        = list(string)
  default     = []
  description = "The ARNs of the SNS topics whose notices of AWS Marketplace count."
}

variable "marketplace_accounts" {
  type        = list(string)
  default     = []
  description = "The AWS accounts of sellers, whose event bus sends notices of AWS Marketplace."
}

variable "protect" {
  type        = bool
  default     = true
  description = "Whether AWS refuses to delete the tables that nothing can restore. While it does, terraform destroy deletes no table, queue, topic or KMS key."
}
