// Package cloudtrail sends the records of changes in API Gateway to the default event bus, as a trail of
// AWS CloudTrail for management events does. It has no API and keeps nothing. AWS takes some seconds or
// minutes for a record; here it comes at once.
package cloudtrail

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/apigateway"
	"github.com/gatehouse-portal/gatehouse/localaws/eventbridge"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

type principals interface {
	Caller(r *http.Request) (arn string, session bool, err error)
}

// Service makes the records.
type Service struct {
	env        wire.Env
	bus        *eventbridge.Service
	principals principals
}

// New returns the service.
func New(env wire.Env, bus *eventbridge.Service, principals principals) *Service {
	return &Service{env: env, bus: bus, principals: principals}
}

// record has the fields of "CloudTrail record contents" in the CloudTrail User Guide. How API Gateway fills
// requestParameters and responseElements follows records that AWS has delivered, such as of CreateDeployment.
type record struct {
	EventVersion string         `json:"eventVersion"`
	Identity     identity       `json:"userIdentity"`
	Time         string         `json:"eventTime"`
	Source       string         `json:"eventSource"`
	Name         string         `json:"eventName"`
	Region       string         `json:"awsRegion"`
	Address      string         `json:"sourceIPAddress"`
	Agent        string         `json:"userAgent"`
	ErrorCode    string         `json:"errorCode,omitempty"`
	ErrorMessage string         `json:"errorMessage,omitempty"`
	Request      map[string]any `json:"requestParameters"`
	Response     map[string]any `json:"responseElements"`
	RequestID    string         `json:"requestID"`
	ID           string         `json:"eventID"`
	ReadOnly     bool           `json:"readOnly"`
	Type         string         `json:"eventType"`
	Management   bool           `json:"managementEvent"`
	Recipient    string         `json:"recipientAccountId"`
	Category     string         `json:"eventCategory"`
}

// identity is "CloudTrail userIdentity element" of the CloudTrail User Guide.
type identity struct {
	Type      string   `json:"type"`
	Principal string   `json:"principalId"`
	ARN       string   `json:"arn"`
	Account   string   `json:"accountId"`
	AccessKey string   `json:"accessKeyId"`
	User      string   `json:"userName,omitempty"`
	Session   *session `json:"sessionContext,omitempty"`
}

type session struct {
	Issuer struct {
		Type    string `json:"type"`
		ARN     string `json:"arn"`
		Account string `json:"accountId"`
		Name    string `json:"userName"`
	} `json:"sessionIssuer"`
}

// Record sends the record of a call. A record that cannot be sent is lost, since AWS delivers them at best.
func (s *Service) Record(c apigateway.Call) {
	if err := s.send(c); err != nil {
		s.env.Log.Warn().Err(err).Str("operation", c.Name).Msg("CloudTrail lost the record of a call")
	}
}

func (s *Service) send(c apigateway.Call) error {
	by, err := s.identityOf(c.HTTP)
	if err != nil {
		return err
	}
	r := record{
		EventVersion: "1.09", Identity: by, Time: s.env.Now().UTC().Format("2006-01-02T15:04:05Z"), Source: "apigateway.amazonaws.com",
		Name: c.Name, Region: s.env.Region, Address: strings.Split(c.HTTP.RemoteAddr, ":")[0], Agent: c.HTTP.UserAgent(),
		Request: c.Request, Response: c.Response, RequestID: wire.NewUUID(), ID: wire.NewUUID(), Type: "AwsApiCall",
		Management: true, Recipient: s.env.Account, Category: "Management",
	}
	if c.Err != nil {
		r.ErrorCode, r.ErrorMessage = c.Err.Code, c.Err.Message
	}
	detail, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.bus.Send(eventbridge.Event{ID: wire.NewUUID(), DetailType: "AWS API Call via CloudTrail", Source: "aws.apigateway", Time: s.env.Now(), Detail: detail})
}

func (s *Service) identityOf(r *http.Request) (identity, error) {
	arn, ofRole, err := s.principals.Caller(r)
	if err != nil {
		return identity{}, err
	}
	name := arn[strings.LastIndex(arn, "/")+1:]
	by := identity{Type: "IAMUser", Principal: "AIDALOCALAWSUSER00000", ARN: arn, Account: s.env.Account, AccessKey: wire.CallerOf(r).AccessKeyID, User: name}
	if ofRole {
		role := strings.Split(arn, "/")[1]
		by.Type, by.Principal, by.User, by.Session = "AssumedRole", "AROALOCALAWSROLE00000:"+name, "", &session{}
		by.Session.Issuer.Type, by.Session.Issuer.Account, by.Session.Issuer.Name = "Role", s.env.Account, role
		by.Session.Issuer.ARN = "arn:aws:iam::" + s.env.Account + ":role/" + role
	}
	return by, nil
}
