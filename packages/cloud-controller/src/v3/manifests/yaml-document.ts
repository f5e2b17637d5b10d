import { isScalar, Lexer, parseAllDocuments, type Tags, visit } from 'yaml'
import { apiError, badRequest } from '../../errors/api-error.ts'

/** A mapping of a manifest. */
export type YamlMapping = Readonly<Record<string, unknown>>

export const isMapping = (value: unknown): value is YamlMapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const sizeLimitInBytes = 1024 * 1024
const nestingLimit = 100
/** Each costs the parser up to a kilobyte. A manifest of a thousand apps has fifty thousand. */
const tokenLimit = 250_000
const typePrefix = 'tag:yaml.org,2002:'
/** Types for which JSON has no like; what has one of them is read as text, list or mapping. */
const refusedTypes = ['timestamp', 'omap', 'pairs', 'set'].map((type) => typePrefix + type)

/**
 * Reads the one mapping that a YAML body must be, as plain data. Cloud Foundry speaks YAML 1.1: `yes` is true, `010` is eight.
 * Throws 400/1004 above 1 MiB, for far too many elements and for aliases, 400/1001 for what is no YAML, no UTF-8 or no mapping.
 * Source: cloud_controller_ng app/controllers/v3/application_controller.rb (parsed_yaml).
 */
export function parseYaml(bytes: Uint8Array): YamlMapping {
  requireManifestSize(bytes.length)
  const document = firstDocument(decoded(bytes))
  visit(document, {
    Alias: () => {
      throw badRequest('Manifest does not support Anchors and Aliases')
    },
    Pair: (_, { key }) => {
      // `ON: 1` and `1: a` in `env` mean variables of these names, not of the name "true".
      if (isScalar(key) && typeof key.value !== 'string' && key.source !== undefined) key.value = key.source
    },
  })
  const value = plain(document.toJS())
  if (!isMapping(value)) throw unreadable()
  return value
}

/** Throws 400/1004 above 1 MiB. */
export function requireManifestSize(sizeInBytes: number): void {
  if (sizeInBytes > sizeLimitInBytes) throw badRequest('Manifest size is too large. The maximum supported size is 1MB.')
}

const unreadable = (cause?: unknown): Error =>
  Object.assign(apiError('MessageParseError', 'invalid request body'), { cause })

function firstDocument(text: string) {
  const [document] = parsedDocuments(text)
  // An alias without its anchor is an error of YAML too, but the client shall hear of the alias.
  const error = document?.errors.find(({ code }) => code !== 'BAD_ALIAS')
  if (!document || error) throw unreadable(error)
  return document
}

function parsedDocuments(text: string) {
  requireModest(text)
  return parseAllDocuments(text, {
    version: '1.1',
    customTags: supportedTypes,
    resolveKnownTags: false,
    intAsBigInt: true,
    uniqueKeys: false,
  })
}

/**
 * Refuses what would cost the parser too much: nesting that no manifest has ends with a full stack, a megabyte of the smallest
 * elements with a full heap. What is nested by indentation needs so much space that the limit of the size suffices.
 */
function requireModest(text: string): void {
  let tokens = 0
  let open = 0
  let indicatorsInLine = 0
  for (const token of new Lexer().lex(text)) {
    tokens += 1
    if (token === '[' || token === '{') open += 1
    else if (token === ']' || token === '}') open -= 1
    else if (token === '-' || token === '?') indicatorsInLine += 1
    else if (token === '\n') indicatorsInLine = 0
    if (open + indicatorsInLine > nestingLimit) throw unreadable()
    if (tokens > tokenLimit) throw badRequest('Manifest has too many elements.')
  }
}

/** The types of YAML 1.1 as Ruby's parser knows them: of the booleans not `y` and `n`. */
function supportedTypes(tags: Tags): Tags {
  return tags.flatMap((tag): Tags => {
    if (typeof tag === 'string') return [tag]
    if (refusedTypes.includes(tag.tag)) return []
    if (tag.collection !== undefined || tag.tag !== `${typePrefix}bool`) return [tag]
    return [{ ...tag, test: tag.identify?.(true) ? /^(?:true|yes|on)$/i : /^(?:false|no|off)$/i }]
  })
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw Object.assign(apiError('MessageParseError', 'Invalid UTF-8 encoding in YAML data'), { cause })
  }
}

/** Binary becomes text; integers too large for a number stay exact as text. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (value instanceof Uint8Array) return decoded(value)
  if (Array.isArray(value)) return value.map(plain)
  if (isMapping(value)) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, plain(entry)]))
  return value ?? null
}
