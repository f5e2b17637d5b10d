/** A SCIM 1.1 filter as UAA takes it (http://www.simplecloud.info/specs/draft-scim-api-01.html, "Filtering"). */
export type Filter =
  | { readonly kind: 'logical'; readonly operator: 'and' | 'or'; readonly operands: readonly Filter[] }
  | { readonly kind: 'present'; readonly attribute: string }
  | { readonly kind: 'compare'; readonly attribute: string; readonly operator: Operator; readonly value: FilterValue }

export type FilterValue = string | number | boolean | null

const operators = ['eq', 'co', 'sw', 'gt', 'ge', 'lt', 'le'] as const
export type Operator = (typeof operators)[number]

export class FilterSyntaxError extends Error {
  override readonly name = 'FilterSyntaxError'
}

/** The Cloud Controller asks for up to 200 ids at once (cloud_controller_ng: lib/cloud_controller/uaa/uaa_client.rb). */
const maxComparisons = 500
const maxDepth = 20

type Token = { readonly kind: '(' | ')' | 'end' } | { kind: 'word'; text: string } | { kind: 'string'; value: string }

/**
 * `or` binds weaker than `and`; operators and attribute names may be written in any case. Strings are JSON strings, or
 * stand between single quotes, which old clients send. Throws FilterSyntaxError.
 */
export function parseFilter(text: string): Filter {
  return new Parser(tokenize(text)).parse()
}

class Parser {
  readonly #tokens: readonly Token[]
  #position = 0
  #comparisons = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  parse(): Filter {
    const filter = this.#alternatives(0)
    if (this.#next().kind !== 'end') throw new FilterSyntaxError('something follows the end of the filter')
    return filter
  }

  #alternatives(depth: number): Filter {
    return this.#joined('or', () => this.#joined('and', () => this.#operand(depth)))
  }

  #joined(word: 'and' | 'or', operand: () => Filter): Filter {
    const first = operand()
    const operands = [first]
    while (this.#takesWord(word)) operands.push(operand())
    return operands.length === 1 ? first : { kind: 'logical', operator: word, operands }
  }

  #operand(depth: number): Filter {
    const token = this.#next()
    if (token.kind === '(') {
      if (depth >= maxDepth) throw new FilterSyntaxError('parentheses are nested too deeply')
      const inner = this.#alternatives(depth + 1)
      if (this.#next().kind !== ')') throw new FilterSyntaxError('a closing parenthesis is missing')
      return inner
    }
    if (token.kind !== 'word' || !/^[a-z][\w.:-]*$/i.test(token.text)) {
      throw new FilterSyntaxError('an attribute name is missing')
    }
    this.#comparisons += 1
    if (this.#comparisons > maxComparisons) throw new FilterSyntaxError('the filter has too many comparisons')
    return this.#comparison(token.text)
  }

  #comparison(attribute: string): Filter {
    if (this.#takesWord('pr')) return { kind: 'present', attribute }
    const token = this.#next()
    const operator = operators.find((name) => token.kind === 'word' && token.text.toLowerCase() === name)
    if (!operator) throw new FilterSyntaxError(`an operator is missing after ${attribute}`)
    return { kind: 'compare', attribute, operator, value: this.#value() }
  }

  #value(): FilterValue {
    const token = this.#next()
    if (token.kind === 'string') return token.value
    if (token.kind === 'word') {
      const word = token.text.toLowerCase()
      if (word === 'true' || word === 'false') return word === 'true'
      if (word === 'null') return null
      if (/^-?\d+(\.\d+)?$/.test(word)) return Number(word)
    }
    throw new FilterSyntaxError('a value is missing')
  }

  #takesWord(word: string): boolean {
    const token = this.#tokens[this.#position]
    const found = token?.kind === 'word' && token.text.toLowerCase() === word
    if (found) this.#position += 1
    return found
  }

  #next(): Token {
    const token = this.#tokens[this.#position] ?? { kind: 'end' }
    this.#position += 1
    return token
  }
}

const tokenPattern = /\s+|(?<paren>[()])|"(?<double>(?:[^"\\]|\\.)*)"|'(?<single>[^']*)'|(?<word>[^\s()"']+)/gsy

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let end = 0
  for (const match of text.matchAll(tokenPattern)) {
    end = match.index + match[0].length
    const { paren, double, single, word } = match.groups ?? {}
    if (paren === '(' || paren === ')') tokens.push({ kind: paren })
    else if (double !== undefined) tokens.push({ kind: 'string', value: unescaped(double) })
    else if (single !== undefined) tokens.push({ kind: 'string', value: single })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
  }
  if (end !== text.length) throw new FilterSyntaxError('a string does not end')
  return tokens
}

function unescaped(inner: string): string {
  try {
    return String(JSON.parse(`"${inner}"`))
  } catch {
    // cf puts names between quotes as they are: a backslash in one makes no JSON, and means itself.
    return inner
  }
}
