package openapi

// Limits on the text of a document. Documents are hostile, and the limits keep the time and the
// memory of reading one in proportion to its size. The largest public documents stay well below.
const (
	maxBytes = 32 << 20
	maxDepth = 200
	maxNodes = 4_000_000
	// maxAliased is how many nodes YAML aliases may add to those that are written out; maxExpanded
	// is how many bytes of text a document may have with aliases replaced.
	maxAliased  = 300_000
	maxExpanded = 64 << 20
	// maxMarks is how many characters of YAML may begin a node. The YAML parser needs about 150
	// bytes for a node, and makes all of them before they can be counted.
	maxMarks = 4_000_000
)

// Limits on the model of a document. Components can be used many times over, so a small
// document could otherwise become a large model.
const (
	maxParts = 1_000_000
	// maxMerges limits the properties, and maxVisits the work, of schemas that take over others.
	maxMerges = 1_000_000
	maxVisits = 20_000_000
	maxAllOf  = 40
	// maxPath is the length of the longest path, and maxChoices is how many tags, servers and ways
	// to authenticate one operation may have.
	maxPath    = 2_000
	maxChoices = 50
)

// The memory of a document in bytes for each byte of its JSON, as BenchmarkMemory measures it for
// documents of 1 to 13 MB. The JSON itself, which a Document holds, counts as one.
const (
	// KeptMemory is for a parsed document: 4 to 7.4 were measured.
	KeptMemory = 7
	// ParsingMemory is for one that is being parsed: 9 to 14 were measured.
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
