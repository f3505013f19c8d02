package folder

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/portal"
)

type spec struct {
	ID          string         `json:"id"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Category    string         `json:"category"`
	Tags        []string       `json:"tags"`
	Owner       *catalog.Owner `json:"owner"`
	Image       *imageSpec     `json:"image"`
	Featured    bool           `json:"featured"`
	Status      string         `json:"status"`
	Sunset      string         `json:"sunset"`
	Successor   string         `json:"successor"`
	Version     string         `json:"version"`
	VersionOf   string         `json:"version_of"`
	Visibility  visibility     `json:"visibility"`
	APIs        []apiSpec      `json:"apis"`
	Plans       []planSpec     `json:"plans"`
}

type imageSpec struct {
	File string `json:"file"`
	Alt  string `json:"alt"`
}

type apiSpec struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Stage       string   `json:"stage"`
	Slug        string   `json:"slug"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Version     string   `json:"version"`
	Endpoint    string   `json:"endpoint"`
	OpenAPI     string   `json:"openapi"`
	SDKs        []string `json:"sdks"`
}

func (a apiSpec) onAPIGateway() bool { return a.ID != "" || a.Name != "" }

type planSpec struct {
	ID          portal.PlanID `json:"id"`
	Name        string        `json:"name"`
	Title       string        `json:"title"`
	Description string        `json:"description"`
	Price       string        `json:"price"`
	Recommended bool          `json:"recommended"`
	Approval    string        `json:"approval"`
	Offer       *bool         `json:"offer"`
	Marketplace *listingSpec  `json:"marketplace"`
}

type listingSpec struct {
	ProductCode    portal.ProductCode `json:"product_code"`
	Listing        string             `json:"listing"`
	Dimensions     []string           `json:"dimensions"`
	Meter          string             `json:"meter"`
	MeterDimension string             `json:"meter_dimension"`
	MeterIdle      bool               `json:"meter_idle"`
	Notices        string             `json:"notices"`
}

type visibility struct {
	word   string
	groups []string
}

func (v *visibility) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &v.word) == nil {
		return nil
	}
	var members struct {
		Groups []string `json:"groups"`
	}
	v.word = catalog.VisibleGroups
	err := json.Unmarshal(data, &members)
	v.groups = members.Groups
	return err
}

// parseSpec reads a product.yaml as far as possible.
func parseSpec(data []byte) (spec, mapping, []fault) {
	text, because := plainText(data)
	if because != nil {
		return spec{}, mapping{}, []fault{*because}
	}
	m, faults := parseYAML(text)
	if len(faults) > 0 {
		return spec{}, m, faults
	}
	if faults = loadSchema().validate(m); len(faults) > 0 {
		id, _ := m.value["id"].(string)
		return spec{ID: id}, m, faults
	}
	body, err := json.Marshal(m.value)
	if err != nil {
		panic(fmt.Errorf("encoding parsed YAML: %w", err)) // maps, lists, strings and booleans only
	}
	var s spec
	if err := json.Unmarshal(body, &s); err != nil {
		panic(fmt.Errorf("decoding a product that the schema accepts: %w", err))
	}
	return s, m, nil
}

func (s spec) product() catalog.Product {
	return catalog.Product{
		ID: s.ID, Name: s.Name, Description: s.Description, Category: s.Category, Tags: s.Tags, Owner: s.Owner, Featured: s.Featured,
		Status: s.Status, Sunset: s.Sunset, Successor: s.Successor, Version: s.Version, VersionOf: s.VersionOf,
		Visibility: s.Visibility.word, Groups: s.Visibility.groups,
	}
}

func (p planSpec) described(line int) catalog.DescribedPlan {
	plan := catalog.DescribedPlan{
		ID: p.ID, Named: p.Name, Title: p.Title, Description: p.Description, Price: p.Price, Recommended: p.Recommended,
		Withheld: p.Offer != nil && !*p.Offer, Line: line,
	}
	if p.Approval == catalog.ApprovalManual {
		plan.Approval = catalog.ApprovalManual
	}
	if p.Marketplace != nil {
		plan.Listing = p.Marketplace.described()
	}
	return plan
}

func (l listingSpec) described() *catalog.Listing {
	return &catalog.Listing{
		Product: l.ProductCode, URL: l.Listing, Dimensions: l.Dimensions, Meter: cmp.Or(l.Meter, catalog.MeterNone),
		MeterDimension: l.MeterDimension, MeterIdle: l.MeterIdle, Notices: l.Notices,
	}
}

func (a apiSpec) described(line int) catalog.DescribedAPI {
	return catalog.DescribedAPI{
		ID: a.ID, Named: a.Name, Stage: a.Stage, Slug: a.Slug, Title: a.Title, Description: a.Description, Version: a.Version,
		Endpoint: a.Endpoint, SDKs: a.SDKs, Line: line,
	}
}
