variable "name" {
  type        = string
  description = "The name of the user pool."
}

variable "domain_name" {
  type        = string
  description = "The portal's host name, such as portal.example.com."

  validation {
    condition     = can(regex("^[a-z0-9-]+([.][a-z0-9-]+)+$", var.domain_name))
    error_message = "domain_name must be a host name in lower case, without https and without a path."
  }
}

variable "domain_prefix" {
  type        = string
  default     = ""
  description = "The beginning of the sign-in pages' address, which nobody else in the Region may have. Empty takes the name, which must then be in lower case, and the AWS account's number."

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$", var.domain_prefix))
    error_message = "domain_prefix must be up to 63 lower-case letters, digits and hyphens."
  }
}

variable "self_sign_up" {
  type        = bool
  default     = true
  description = "Whether people may sign up. Otherwise you create every user in the pool."
}

variable "admin_group" {
  type        = string
  default     = "admins"
  description = "The group whose members are admins of the portal."

  validation {
    condition     = can(regex("^([A-Za-z0-9_.-]{1,128})$", var.admin_group))
    error_message = "admin_group must be 1 to 128 letters, digits, underscores, full stops and hyphens."
  }
}

variable "admin_email" {
  type        = string
  default     = ""
  description = "The e-mail address of the first admin, who gets a temporary password by mail. Empty creates none."

  validation {
    condition     = can(regex("^([^@ ]+@[^@ ]+)?$", var.admin_email))
    error_message = "admin_email must be an e-mail address, or empty."
  }
}

variable "ses_identity_arn" {
  type        = string
  default     = ""
  description = "The ARN of a verified SES identity that codes and invitations come from. Without it Cognito sends them itself, only about 50 a day."

  validation {
    condition     = can(regex("^(arn:[a-z-]+:ses:[a-z0-9-]+:[0-9]{12}:identity/.+)?$", var.ses_identity_arn))
    error_message = "ses_identity_arn must be the ARN of an SES identity, or empty."
  }
}

variable "mail_from" {
  type        = string
  default     = ""
  description = "The sender, such as Acme <portal@example.com>, of that SES identity. Needed with ses_identity_arn."
}

variable "protect" {
  type        = bool
  default     = true
  description = "Whether AWS refuses to delete the user pool."
}
