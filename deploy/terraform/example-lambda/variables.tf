variable "region" {
  type        = string
  description = "The Region in which your REST APIs are."
}

variable "name" {
  type        = string
  description = "The beginning of all names, in lower case."
}

variable "zip" {
  type        = string
  description = "The path of the zip that make lambda builds, such as ../../../bin/lambda-arm64.zip."
}

variable "architecture" {
  type        = string
  default     = "arm64"
  description = "The processor that the zip was built for: arm64, or x86_64 for the zip that has amd64 in its name."
}

variable "domain_name" {
  type        = string
  default     = ""
  description = "The portal's host name, such as portal.example.com. Empty for the address that AWS gives the HTTP API."
}

variable "certificate_arn" {
  type        = string
  default     = ""
  description = "The ARN of the host name's certificate in AWS Certificate Manager, in this Region. Needed with domain_name."
}

variable "hosted_zone_id" {
  type        = string
  default     = ""
  description = "The hosted zone in Route 53 that gets the host name's record. Empty if you make the record yourself."
}

variable "admin_email" {
  type        = string
  default     = ""
  description = "The e-mail address of the first admin. Empty creates none."
}

variable "alarm_email" {
  type        = string
  default     = ""
  description = "The e-mail address that alarms are sent to. Empty sends none."
}

variable "sell" {
  type        = bool
  default     = false
  description = "Whether this AWS account sells plans on AWS Marketplace."
}

variable "trail" {
  type        = bool
  default     = false
  description = "Whether workers are told of changes made directly in API Gateway. AWS CloudTrail must have a trail."
}

variable "key_users" {
  type        = list(string)
  default     = []
  description = "The only roles and users that may compute API keys. Empty leaves this to the IAM policies of the AWS account."
}

variable "protect" {
  type        = bool
  default     = true
  description = "Whether AWS refuses to delete the tables and the user pool."
}
