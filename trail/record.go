// Package trail reads AWS CloudTrail's records of changes in API Gateway, as EventBridge delivers them,
// and wakes the workers that compare. It changes nothing, and never believes a record: what a record is
// about is read again from API Gateway.
package trail

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Source and DetailType are those of the events (EventBridge User Guide, "AWS service events delivered
// via AWS CloudTrail").
const (
	Source     = "aws.apigateway"
	DetailType = "AWS API Call via CloudTrail"
)

// Record is what counts of one call. AWS documents the record ("CloudTrail record contents" in the
// CloudTrail User Guide), but not what API Gateway writes into requestParameters and responseElements.
// So all ids and names in them that may be a key's or a plan's are taken.
type Record struct {
	// ID is the record's own id. Repeats of an event have the same.
	ID   string
	Name string
	// Caller is the ARN of the user or of the role's session that made the call.
	Caller string
	// Failed calls changed nothing; ReadOnly ones cannot.
	Failed, ReadOnly bool
	Account          portal.AWSAccount
	Region           string
	Keys             []portal.GatewayKeyID
	Plans            []portal.PlanID
	// Names are the names of keys and other things that the call set or answered.
	Names []string
	// ARNs are those of tagged resources.
	ARNs []string
}

type event struct {
	Source     string            `json:"source"`
	DetailType string            `json:"detail-type"`
	Account    portal.AWSAccount `json:"account"`
	Region     string            `json:"region"`
	Detail     *detail           `json:"detail"`
}

type detail struct {
	ID        string `json:"eventID"`
	Name      string `json:"eventName"`
	ReadOnly  bool   `json:"readOnly"`
	ErrorCode string `json:"errorCode"`
	Identity  struct {
		ARN     string `json:"arn"`
		Context struct {
			Issuer struct {
				ARN string `json:"arn"`
			} `json:"sessionIssuer"`
		} `json:"sessionContext"`
	} `json:"userIdentity"`
	Request  any `json:"requestParameters"`
	Response any `json:"responseElements"`
}

// Parse reads the body of a message. ok is false for an event that is no record of a call to API
// Gateway. An error means that the body is no event.
func Parse(body []byte) (record Record, ok bool, err error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return record, false, fmt.Errorf("it is not the JSON of an event: %w", err)
	}
	switch {
	case e.Source == "" || e.DetailType == "":
		return record, false, fmt.Errorf("it has no source or no detail-type")
	case e.Source != Source || e.DetailType != DetailType:
		return record, false, nil
	case e.Detail == nil || e.Detail.ID == "" || e.Detail.Name == "":
		return record, false, fmt.Errorf("its detail has no eventID or no eventName")
	}
	d := *e.Detail
	record = Record{
		ID: d.ID, Name: d.Name, Caller: d.Identity.ARN, Failed: d.ErrorCode != "", ReadOnly: d.ReadOnly,
		Account: e.Account, Region: e.Region,
	}
	if record.Caller == "" {
		record.Caller = d.Identity.Context.Issuer.ARN
	}
	record.collect(d.Request, maxDepth)
	record.collect(d.Response, maxDepth)
	return record, true, nil
}

// Ids and names of this portal are shorter than these limits, and nest less deeply. Longer ones would not fit into
// the keys of DynamoDB.
const (
	maxDepth = 4
	maxIDs   = 16
	maxID    = 128
	maxName  = 512
)

func (r *Record) collect(value any, depth int) {
	members, ok := value.(map[string]any)
	if !ok || depth == 0 {
		return
	}
	for name, member := range members {
		text, ok := member.(string)
		if !ok {
			r.collect(member, depth-1)
			continue
		}
		switch plain, id := plainName(name), len(text) <= maxID; {
		case text == "" || len(text) > maxName:
		case id && (plain == "apikey" || plain == "keyid"):
			r.Keys = added(r.Keys, portal.GatewayKeyID(text))
		case id && plain == "usageplanid":
			r.Plans = added(r.Plans, portal.PlanID(text))
		case plain == "name":
			r.Names = added(r.Names, text)
		case plain == "resourcearn":
			r.ARNs = added(r.ARNs, text)
		}
	}
}

func added[T comparable](to []T, one T) []T {
	if len(to) >= maxIDs {
		return to
	}
	for _, known := range to {
		if known == one {
			return to
		}
	}
	return append(to, one)
}

// plainName makes names equal however they are spelt: records have usageplanId, and the API has
// usagePlanId.
func plainName(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "")
}

// MadeBy reports whether the principal with that ARN made the call. All sessions of a role are one
// principal.
func (r Record) MadeBy(arn string) bool {
	return arn != "" && principal(r.Caller) == principal(arn)
}

// principal is the ARN of a role's session without the session's name, and any other ARN as it is.
func principal(arn string) string {
	parts := strings.Split(arn, "/")
	if len(parts) == 3 && strings.HasSuffix(parts[0], ":assumed-role") {
		return parts[0] + "/" + parts[1]
	}
	return arn
}
