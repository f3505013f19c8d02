// Package deploy holds the templates that run Gatehouse on AWS. docs/deploy.md says how to use
// them.
package deploy

import "embed"

// Templates holds the CloudFormation templates, as cloudformation/<name>.yaml.
//
//go:embed cloudformation/*.yaml
var Templates embed.FS
