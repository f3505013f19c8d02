package apigateway

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// domainName is a custom domain name. Clients call it by the Host header without TLS.
type domainName struct {
	DomainName               string                `json:"domainName"`
	CertificateARN           string                `json:"certificateArn,omitempty"`
	CertificateUploadDate    int64                 `json:"certificateUploadDate,omitempty"`
	DistributionDomainName   string                `json:"distributionDomainName,omitempty"`
	DistributionHostedZoneID string                `json:"distributionHostedZoneId,omitempty"`
	RegionalCertificateARN   string                `json:"regionalCertificateArn,omitempty"`
	RegionalDomainName       string                `json:"regionalDomainName,omitempty"`
	RegionalHostedZoneID     string                `json:"regionalHostedZoneId,omitempty"`
	EndpointConfiguration    endpointConfiguration `json:"endpointConfiguration"`
	DomainNameStatus         string                `json:"domainNameStatus"`
	SecurityPolicy           string                `json:"securityPolicy"`
	Tags                     map[string]string     `json:"tags,omitempty"`
}

// domainNameInput omits uploaded certificates and mutual TLS: not implemented.
type domainNameInput struct {
	DomainName             string                `json:"domainName"`
	CertificateARN         string                `json:"certificateArn"`
	RegionalCertificateARN string                `json:"regionalCertificateArn"`
	EndpointConfiguration  endpointConfiguration `json:"endpointConfiguration"`
	SecurityPolicy         string                `json:"securityPolicy"`
	Tags                   map[string]string     `json:"tags"`
}

var (
	domainForm      = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$`)
	certificateForm = regexp.MustCompile(`^arn:aws:acm:([a-z0-9-]+):\d{12}:certificate/.+$`)
)

// The hosted zones of CloudFront, and of API Gateway in us-east-1 (AWS General Reference,
// "Amazon API Gateway endpoints and quotas").
const (
	cloudFrontZone = "Z2FDTNDATAQYW2"
	regionalZone   = "Z1UJRXOUMOOFQ8"
)

func (s *Service) createDomainName(_ *http.Request, in *domainNameInput) (*domainName, error) {
	d, err := s.newDomainName(in)
	if err != nil {
		return nil, err
	}
	return update(s, func(tx *store.Tx) (*domainName, error) {
		all := bucket(tx, "domains")
		if all.Get([]byte(d.DomainName)) != nil {
			return nil, badRequest("The domain name you provided already exists.")
		}
		return d, store.PutJSON(all, d.DomainName, *d)
	})
}

func (s *Service) newDomainName(in *domainNameInput) (*domainName, error) {
	switch {
	case strings.HasPrefix(in.DomainName, "*."):
		return nil, wire.NotImplemented("A wildcard domain name")
	case !domainForm.MatchString(in.DomainName) || len(in.DomainName) > 512:
		return nil, badRequest("Invalid domain name specified: %s", in.DomainName)
	case in.SecurityPolicy == "":
		in.SecurityPolicy = "TLS_1_2"
	case !slices.Contains([]string{"TLS_1_0", "TLS_1_2"}, in.SecurityPolicy):
		return nil, badRequest("Invalid security policy specified: %s", in.SecurityPolicy)
	}
	if err := in.EndpointConfiguration.check(); err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	d := &domainName{
		DomainName: in.DomainName, EndpointConfiguration: in.EndpointConfiguration, DomainNameStatus: "AVAILABLE",
		SecurityPolicy: in.SecurityPolicy, Tags: orAbsent(in.Tags),
	}
	switch in.EndpointConfiguration.Types[0] {
	case private:
		return nil, wire.NotImplemented("A private domain name")
	case "REGIONAL":
		d.RegionalCertificateARN = in.RegionalCertificateARN
		d.RegionalDomainName, d.RegionalHostedZoneID = "d-"+wire.NewID(10)+".execute-api."+s.env.Region+".amazonaws.com", regionalZone
		return d, checkCertificate(in.RegionalCertificateARN, s.env.Region)
	default:
		d.CertificateARN, d.CertificateUploadDate = in.CertificateARN, s.now()
		d.DistributionDomainName, d.DistributionHostedZoneID = "d"+wire.NewID(13)+".cloudfront.net", cloudFrontZone
		return d, checkCertificate(in.CertificateARN, "us-east-1")
	}
}

func checkCertificate(arn, region string) error {
	found := certificateForm.FindStringSubmatch(arn)
	switch {
	case arn == "":
		return badRequest("A certificate is required for the domain name")
	case found == nil || found[1] != region:
		return badRequest("Invalid certificate ARN: %s. Certificate must be in '%s'.", arn, region)
	}
	return nil
}

func (s *Service) listDomainNames(r *http.Request, _ *none) (*list[domainName], error) {
	p, err := pageOf(r)
	if err != nil {
		return nil, err
	}
	return view(s, func(tx *store.Tx) (*list[domainName], error) {
		return collect(p, bucket(tx, "domains"), nil, decoded(func(*domainName) {}))
	})
}

func (s *Service) getDomainName(r *http.Request, _ *none) (*domainName, error) {
	return view(s, func(tx *store.Tx) (*domainName, error) {
		d, err := findDomain(tx, r.PathValue("domain"))
		return &d, err
	})
}

// deleteDomainName also deletes its mappings.
func (s *Service) deleteDomainName(r *http.Request, _ *none) (*none, error) {
	return nil, s.env.DB.Update(func(tx *store.Tx) error {
		d, err := findDomain(tx, r.PathValue("domain"))
		if err != nil {
			return err
		}
		if err := drop(tx, "mappings", d.DomainName); err != nil {
			return err
		}
		return bucket(tx, "domains").Delete([]byte(d.DomainName))
	})
}

func findDomain(tx *store.Tx, name string) (domainName, error) {
	d, ok, err := store.GetJSON[domainName](bucket(tx, "domains"), name)
	if err == nil && !ok {
		err = notFound("Invalid domain name identifier specified")
	}
	return d, err
}

// HasDomain reports whether host is a custom domain name.
func (s *Service) HasDomain(host string) (found bool) {
	err := s.env.DB.View(func(tx *store.Tx) error {
		found = bucket(tx, "domains").Get([]byte(host)) != nil
		return nil
	})
	return err == nil && found
}

// ServeDomain serves calls by custom domain name. A base path as the path's first
// segment selects that mapping; otherwise the mapping without a base path applies. The
// next segment names the stage if the mapping does not.
func (s *Service) ServeDomain(w http.ResponseWriter, r *http.Request, host string) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	var m basePathMapping
	err := s.env.DB.View(func(tx *store.Tx) error {
		base, rest, _ := strings.Cut(path, "/")
		mappings := bucket(tx, "mappings", host)
		found, ok, err := store.GetJSON[basePathMapping](mappings, base)
		switch {
		case err != nil:
			return err
		case ok && base != "":
			m, path = found, rest
			return nil
		}
		m, ok, err = store.GetJSON[basePathMapping](mappings, noBasePath)
		if err == nil && !ok {
			err = errForbidden
		}
		return err
	})
	if err != nil {
		s.refuse(w, err)
		return
	}
	c := callAddress{stageID: stageID{APIID: m.APIID, Stage: m.Stage}, path: path, byDomain: true}
	if c.Stage == "" {
		c.Stage, c.path, _ = strings.Cut(path, "/")
	}
	s.serve(w, r, c)
}
