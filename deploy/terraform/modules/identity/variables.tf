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
}

variable "admin_email" {
  type        = string
  default     = ""
  description = "The e-mail address of the first admin, who gets a temporary password by mail. Empty creates none."
}

variable "ses_identity_arn" {
  type        = string
  default     = ""
  description = "The ARN of a verified SES identity that codes and invitations come from. Without it Cognito sends them itself, only about 50 a day."
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
