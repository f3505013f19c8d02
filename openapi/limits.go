package openapi

// Limits on a document's text. Documents are hostile; the limits keep the time and memory of
// reading in proportion to the size. The largest public documents stay well below.
const (
	maxBytes = 32 << 20
	maxDepth = 200
	maxNodes = 4_000_000
	// maxAliased bounds the nodes that YAML aliases add; maxExpanded the bytes of text with
	// aliases replaced.
	maxAliased  = 300_000
	maxExpanded = 64 << 20
	// maxMarks bounds the characters of YAML that may begin a node. The YAML parser needs about
	// 150 bytes for a node, and makes all before they can be counted.
	maxMarks = 4_000_000
)

// Limits on a document's model. Components can be used many times, so a small document
// could otherwise become a large model.
const (
	maxParts = 1_000_000
	// maxMerges limits the properties, and maxVisits the work, of merging schemas.
	maxMerges = 1_000_000
	maxVisits = 20_000_000
	maxAllOf  = 40
	// maxPath bounds a path's length, maxChoices the tags, servers and ways to authenticate of an
	// operation.
	maxPath    = 2_000
	maxChoices = 50
)

// The memory of a document in bytes for each byte of its JSON, as BenchmarkMemory measures it for
// documents of 1 to 13 MB. The JSON itself, which a Document holds, counts as one.
const (
	// KeptMemory is for a parsed document; 4 to 7.4 were measured.
	KeptMemory = 7
	// ParsingMemory is for one being parsed; 9 to 14 were measured.
	ParsingMemory = 14
)

type allowance struct {
	nodes, bytes int
}

func newAllowance() *allowance { return &allowance{nodes: maxNodes, bytes: maxExpanded} }

func (b *allowance) take(length int) bool {
	b.nodes--
	b.bytes -= length
	return b.nodes >= 0 && b.bytes >= 0
}

func tooMany(line int) *Invalid {
	return invalidLine(line, "the document has too many values: at most %d values and %d MB of text can be read; split the API into several documents", maxNodes, maxExpanded>>20)
}

func tooDeep(line int) *Invalid {
	return invalidLine(line, "the document is nested more than %d levels deep; move inner schemas to components", maxDepth)
}
