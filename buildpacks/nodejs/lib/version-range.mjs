/**
 * Whether a version lies in a range as package.json writes them (npm's node-semver, README, "Range Grammar").
 * Every comparator is an interval of versions, from the first up to but not including the second. Pre-releases are not
 * told apart: what is asked here is which Node.js a machine has.
 * @returns undefined when the range can't be read
 */
export function satisfies(version, range) {
  const [, ...numbers] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version).map(Number)
  let result = false
  for (const alternative of range.split('||')) {
    const intervals = intervalsOf(alternative.trim())
    if (intervals === undefined) return undefined
    if (intervals.every(([from, below]) => compare(numbers, from) >= 0 && compare(numbers, below) < 0)) result = true
  }
  return result
}

const zero = [0, 0, 0]
const infinity = [Number.POSITIVE_INFINITY, 0, 0]
const number = String.raw`(?:\d+|[xX*])`
const partial = String.raw`[vV=\s]*(${number})(?:\.(${number})(?:\.(${number})(?:-[\w.-]+)?(?:\+[\w.-]+)?)?)?`
const hyphen = new RegExp(String.raw`^${partial}\s+-\s+${partial}$`)
const comparator = new RegExp(String.raw`(\^|~>?|>=|<=|>|<)?\s*${partial}(?=\s|$)\s*`, 'y')

function intervalsOf(text) {
  if (text === '') return [[zero, infinity]]
  const between = hyphen.exec(text)
  if (between) return [[first(parts(between.slice(1, 4))), after(parts(between.slice(4, 7)))]]
  const intervals = []
  for (comparator.lastIndex = 0; comparator.lastIndex < text.length; ) {
    const found = comparator.exec(text)
    if (!found) return undefined
    intervals.push(interval(found[1] ?? '', parts(found.slice(2, 5))))
  }
  return intervals
}

function interval(operator, given) {
  switch (operator) {
    case '>':
      return [after(given), infinity]
    case '>=':
      return [first(given), infinity]
    case '<':
      return [zero, first(given)]
    case '<=':
      return [zero, after(given)]
    case '^': {
      // Up to the next change of the leftmost number that is not zero.
      const significant = given.findIndex((part) => part > 0)
      return [first(given), after(significant === -1 ? given : given.slice(0, significant + 1))]
    }
    case '~':
    case '~>':
      return [first(given), after(given.slice(0, 2))]
    default:
      return [first(given), after(given)]
  }
}

/** The numbers that are given, up to the first that is absent or a wildcard. */
function parts(texts) {
  const end = texts.findIndex((text) => text === undefined || /^[xX*]$/.test(text))
  return (end === -1 ? texts : texts.slice(0, end)).map(Number)
}

function first([major = 0, minor = 0, patch = 0]) {
  return [major, minor, patch]
}

/** The first version after all that begin with these numbers. */
function after([major, minor, patch]) {
  if (major === undefined) return infinity
  if (minor === undefined) return [major + 1, 0, 0]
  if (patch === undefined) return [major, minor + 1, 0]
  return [major, minor, patch + 1]
}

function compare(left, right) {
  const index = left.findIndex((part, position) => part !== right[position])
  return index === -1 ? 0 : left[index] - right[index]
}
