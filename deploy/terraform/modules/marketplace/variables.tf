variable "name" {
  type        = string
  description = "The beginning of all names, as for the module data of the portal."

  validation {
    condition     = can(regex("^([A-Za-z][A-Za-z0-9-]{0,39})$", var.name))
    error_message = "name must begin with a letter and have at most 40 letters, digits and hyphens."
  }
}

variable "marketplace_queue_arn" {
  type        = string
  description = "The output marketplace_queue_arn of the module data."

  validation {
    condition     = can(regex("^(arn:[a-z-]+:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9-]+)$", var.marketplace_queue_arn))
    error_message = "marketplace_queue_arn must be the ARN of a standard queue."
  }
}

variable "subscription_topic_arn" {
  type        = string
  default     = ""
  description = "The ARN of AWS's topic aws-mp-subscription-notification-… of an older listing. Empty for newer listings."

  validation {
    condition     = can(regex("^(arn:[a-z-]+:sns:us-east-1:[0-9]{12}:aws-mp-subscription-notification-.+)?$", var.subscription_topic_arn))
    error_message = "subscription_topic_arn must be the ARN of a topic aws-mp-subscription-notification-…, or empty."
  }
}

variable "entitlement_topic_arn" {
  type        = string
  default     = ""
  description = "The ARN of AWS's topic aws-mp-entitlement-notification-… of an older listing. Empty for newer listings."

  validation {
    condition     = can(regex("^(arn:[a-z-]+:sns:us-east-1:[0-9]{12}:aws-mp-entitlement-notification-.+)?$", var.entitlement_topic_arn))
    error_message = "entitlement_topic_arn must be the ARN of a topic aws-mp-entitlement-notification-…, or empty."
  }
}

variable "alarm_email" {
  type        = string
  default     = ""
  description = "The e-mail address that is told when a notice could not be delivered. AWS first sends it a link to confirm. Empty tells nobody."

  validation {
    condition     = can(regex("^([^@ ]+@[^@ ]+)?$", var.alarm_email))
    error_message = "alarm_email must be an e-mail address, or empty."
  }
}
