package extension

// edit carries operations out on a document, in one pass over its text whatever
// their number. It returns the text as it is if no operation found its place.
func edit(text []byte, ops []operation) ([]byte, bool) {
	e := &editor{dst: make([]byte, 0, len(text))}
	e.document(text, ops)
	if !e.found {
		return text, false
	}
	return e.dst, true
}

type editor struct {
	dst   []byte
	found bool // an operation found its place
	read  int  // bytes that were looked at, for tests
}

// fate is what becomes of a member or an element.
type fate struct {
	key   []byte // as canonical JSON text; nil in an array
	gone  bool
	base  []byte       // the new value; nil leaves the old one
	below []*operation // that reach further into the value
	masks []int        // how much each leaves, in order; below is then empty
}

// take applies an operation whose place in the container is this one. It does
// not know of names and neighbours: those are its caller's.
func (f *fate) take(op *operation, depth int) {
	switch {
	case len(op.path) > depth+1:
		if len(f.masks) == 0 { // else it is a string, and nothing is below
			f.below = append(f.below, op)
		}
	case op.kind == actionSet:
		f.base, f.below, f.masks = op.value, nil, nil
	case op.kind == actionRemove:
		f.gone = true
	case op.kind == actionMask:
		// What happens below makes no difference: a container is hidden as a whole.
		f.below, f.masks = nil, append(f.masks, op.keep)
	}
}

func (e *editor) document(text []byte, ops []operation) {
	all := make([]*operation, len(ops))
	for i := range ops {
		all[i] = &ops[i]
	}
	e.value(&scanner{text: text}, all, 0)
}

// value reads a value and writes it with the operations applied. The first depth
// steps of their paths have led here.
func (e *editor) value(s *scanner, ops []*operation, depth int) {
	switch s.next() {
	case '{':
		e.object(s, ops, depth)
	case '[':
		e.array(s, ops, depth)
	default:
		e.copy(s)
	}
}

func (e *editor) copy(s *scanner) {
	start := s.pos
	e.dst = s.copyTo(e.dst)
	e.read += s.pos - start
}

// object follows a key that occurs twice twice: which of them a receiver takes
// is its own choice.
func (e *editor) object(s *scanner, ops []*operation, depth int) {
	names := relevant(ops, depth)
	renames := false
	for _, op := range ops {
		renames = renames || op.kind == actionRename && len(op.path) == depth+1
	}
	// Without renames, what becomes of a member does not depend on its neighbours.
	present := names
	if renames {
		present = e.lookAhead(s, names)
	}
	expected := simulate(ops, depth, present)

	seen := map[string]bool{}
	e.begin(s, '{')
	empty := true
	var buffer []byte
	for s.next() != '}' {
		start := s.pos
		buffer = appendCanonical(buffer[:0], s.quoted())
		e.read += s.pos - start
		f := fate{key: buffer}
		if names[string(buffer)] {
			seen[string(buffer)] = true
			f = *expected.of[string(buffer)]
		}
		e.child(s, f, depth, &empty)
	}
	actual := expected
	if !renames {
		actual = simulate(ops, depth, seen)
	}
	e.found = e.found || actual.found
	for _, f := range actual.added {
		if !f.gone {
			e.child(nil, *f, depth, &empty)
		}
	}
	e.end(s, '}')
}

func (e *editor) array(s *scanner, ops []*operation, depth int) {
	// Beyond the last index that is named, an element only moves.
	last, removed := -1, 0
	for _, op := range ops {
		last = max(last, op.path[depth].index)
		if op.kind == actionRemove && len(op.path) == depth+1 {
			removed++
		}
	}
	e.begin(s, '[')
	empty := true
	for i := 0; s.next() != ']'; i++ {
		f := fate{}
		if i <= last+removed {
			f = e.element(i, ops, depth)
		}
		e.child(s, f, depth, &empty)
	}
	e.end(s, ']')
}

// element tells what becomes of an array's element. Its index sinks when one
// before it is removed.
func (e *editor) element(index int, ops []*operation, depth int) fate {
	f := fate{}
	for _, op := range ops {
		last := len(op.path) == depth+1
		if op.path[depth].index == index && !(last && op.kind == actionRename) {
			f.take(op, depth)
			e.found = e.found || last
			if f.gone {
				return f
			}
		} else if last && op.kind == actionRemove && op.path[depth].index >= 0 && op.path[depth].index < index {
			index--
		}
	}
	return f
}

func (e *editor) begin(s *scanner, open byte) {
	s.pos++
	e.read++
	e.dst = append(e.dst, open)
}

func (e *editor) end(s *scanner, closing byte) {
	s.pos++
	e.read++
	e.dst = append(e.dst, closing)
}

// child writes a member or an element. There is no scanner for one that is
// added.
func (e *editor) child(s *scanner, f fate, depth int, empty *bool) {
	if f.gone {
		e.skip(s)
		return
	}
	if !*empty {
		e.dst = append(e.dst, ',')
	}
	*empty = false
	if f.key != nil {
		e.dst = append(append(e.dst, f.key...), ':')
	}
	switch {
	case len(f.masks) > 0:
		text := f.base
		if old := e.skip(s); text == nil {
			text = old
		}
		for _, keep := range f.masks {
			text = masked(text, keep)
		}
		e.dst = append(e.dst, text...)
	case f.base != nil:
		e.skip(s)
		e.value(&scanner{text: f.base}, f.below, depth+1)
	case len(f.below) > 0:
		e.value(s, f.below, depth+1)
	default:
		s.next()
		e.copy(s)
	}
}

// skip reads a value that is not written.
func (e *editor) skip(s *scanner) []byte {
	if s == nil {
		return nil
	}
	value := s.value()
	e.read += len(value)
	return value
}

// lookAhead returns which of the names the object has that begins here.
func (e *editor) lookAhead(s *scanner, names map[string]bool) map[string]bool {
	present := map[string]bool{}
	ahead := *s
	ahead.pos++
	var buffer []byte
	for ahead.next() != '}' {
		buffer = appendCanonical(buffer[:0], ahead.quoted())
		if names[string(buffer)] {
			present[string(buffer)] = true
		}
		ahead.value()
	}
	e.read += ahead.pos - s.pos
	return present
}

// relevant returns the names that operations speak of at this depth.
func relevant(ops []*operation, depth int) map[string]bool {
	names := map[string]bool{}
	for _, op := range ops {
		names[op.path[depth].key] = true
		if op.kind == actionRename && len(op.path) == depth+1 {
			names[op.to] = true
		}
	}
	return names
}

// outcome is what operations make of an object.
type outcome struct {
	of    map[string]*fate // by the names that its members have at first
	added []*fate          // in order
	found bool
}

// simulate follows the names of an object through the operations. Members of one
// name share their fate, so this does not depend on how many there are.
func simulate(ops []*operation, depth int, present map[string]bool) outcome {
	o := outcome{of: map[string]*fate{}}
	now := map[string]*fate{} // by the names that members have by now
	for name := range present {
		f := &fate{key: []byte(name)}
		o.of[name], now[name] = f, f
	}
	for _, op := range ops {
		name := op.path[depth].key
		f := now[name]
		last := len(op.path) == depth+1
		if f == nil {
			if last && op.kind == actionSet {
				f = &fate{key: []byte(name), base: op.value}
				o.added, now[name], o.found = append(o.added, f), f, true
			}
			continue
		}
		o.found = o.found || last
		if last && op.kind == actionRename {
			if other := now[op.to]; other != nil && other != f {
				other.gone = true
			}
			delete(now, name)
			now[op.to], f.key = f, []byte(op.to)
			continue
		}
		f.take(op, depth)
		if f.gone {
			delete(now, name)
		}
	}
	return o
}
