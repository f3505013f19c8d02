package app

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// simulatorPath is the page of the local AWS at which people buy, pay and cancel.
const simulatorPath = "/_localaws/marketplace/subscriptions"

// simulator is the address of that page, "" with AWS itself.
func simulator(awsConfig aws.Config) string {
	if !localAWS(awsConfig) {
		return ""
	}
	return strings.TrimSuffix(aws.ToString(awsConfig.BaseEndpoint), "/") + simulatorPath
}
