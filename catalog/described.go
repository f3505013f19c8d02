package catalog

import (
	"fmt"

	"github.com/gatehouse-portal/gatehouse/portal"
)

// Folder is what a catalog folder says, as package catalog/folder reads it.
type Folder struct {
	Products []Described
	Pages    []Page
	Files    []File
	// Blobs are the contents of products and pages, by hash. The Store must have them before
	// a document that names them is published.
	Blobs    map[string][]byte
	Problems []Problem
	// Broken are the product folders left out because of errors, sorted. Their last
	// description should stay until they are repaired.
	Broken []string
	// MeantEmpty: the folder has the file EmptyMark.
	MeantEmpty bool `json:"-"`
}

// EmptyMark is a file at the top of a catalog folder without products. If it is missing, the loss
// of all products is taken for a fault; see Reader.Folder.
const EmptyMark = ".empty"

// vanished reports whether all products are gone without the mark, as when a volume is not mounted.
// f is after keepBroken.
func (f Folder) vanished(before Folder) bool {
	return !f.MeantEmpty && len(f.Products) == 0 && len(before.Products) > 0
}

// Described is a product folder.
type Described struct {
	Path string
	// Product has everything but Plans and APIs.
	Product Product
	Plans   []DescribedPlan
	APIs    []DescribedAPI
}

// DescribedPlan names a usage plan by its id or its name; the other is "". Empty fields leave
// what API Gateway says.
type DescribedPlan struct {
	ID          portal.PlanID
	Named       string
	Title       string
	Description string
	Price       string
	Recommended bool
	Approval    string
	// Listing is nil if the plan is not sold on AWS Marketplace.
	Listing  *Listing
	Withheld bool
	Line     int
}

// DescribedAPI names a stage of a REST API by the API's id or name, or describes an API outside
// API Gateway (ID and Named are ""). Empty fields leave what API Gateway says.
type DescribedAPI struct {
	ID, Named, Stage string
	Slug             string
	Title            string
	Description      string
	Version          string
	Endpoint         string
	// Definition is the hash of an OpenAPI document that replaces API Gateway's export.
	Definition string
	SDKs       []string
	Line       int
}

// Problem is a fault of a source. The faulty part was left out, unless it is a warning.
type Problem struct {
	// Where is a file ("seamark/product.yaml"), or part of API Gateway ("API a1b2c3, stage v1").
	Where string `json:"where"`
	// Line is 0 if unknown.
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
	// Warning means that nothing was left out.
	Warning bool `json:"warning,omitempty"`
}

// HashOf returns the hash of a blob in the Store.
func HashOf(body []byte) string { return hashOf(body) }

// String is the problem in one line: "seamark/product.yaml:12: …".
func (p Problem) String() string {
	if p.Line > 0 {
		return fmt.Sprintf("%s:%d: %s", p.Where, p.Line, p.Text)
	}
	return p.Where + ": " + p.Text
}
