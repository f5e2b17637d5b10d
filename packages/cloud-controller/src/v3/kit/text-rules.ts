import { z } from 'zod'
import { printed } from './words.ts'

/*
 * Names of which CC tells everything that is wrong at once, in the order of its message's validators. What each kind of name must
 * be differs only in which of these rules there are, in what order, and whether they hold for a name that is left out.
 */

/** What is wrong with a value, given as text too, in words that follow the attribute's. */
export type TextRule = (text: string, value: unknown) => string | undefined

/** Neither missing nor blank. */
export const isPresent: TextRule = (text) => (text.trim() === '' ? "can't be blank" : undefined)

export const isString: TextRule = (_, value) => (typeof value === 'string' ? undefined : 'must be a string')

export const isFilled: TextRule = (text) => (text === '' ? 'is too short (minimum is 1 character)' : undefined)

/** A null that CC's message lets pass, and its model does not. */
export const isNotNull: TextRule = (_, value) => (value === null ? "can't be blank" : undefined)

export const hasAtMost =
  (maximum: number): TextRule =>
  (text) =>
    [...text].length > maximum ? `is too long (maximum is ${maximum} characters)` : undefined

/** An empty text is not printable either. */
export const isPrintable: TextRule = (text) =>
  /^\P{Cc}+$/u.test(text) ? undefined : 'must not contain escaped characters'

export const matches =
  (pattern: RegExp, fault: string): TextRule =>
  (text) =>
    pattern.test(text) ? undefined : fault

/** The rule holds only for what is there, as with CC's `allow_nil`. */
export const ifGiven =
  (rule: TextRule): TextRule =>
  (text, value) =>
    value === undefined || value === null ? undefined : rule(text, value)

/** The rule holds only where the name is mentioned, as with CC's `requested?`. */
export const ifMentioned =
  (rule: TextRule): TextRule =>
  (text, value) =>
    value === undefined ? undefined : rule(text, value)

/** Text of which every fault is told, in the order of the rules. `maximum` is for the OpenAPI document. */
export function ruledText(words: string, maximum: number, rules: readonly TextRule[]) {
  return z
    .unknown()
    .superRefine((value, context) => {
      const text = value === undefined || value === null ? '' : printed(value)
      for (const rule of rules) {
        const fault = rule(text, value)
        if (fault !== undefined) context.addIssue({ code: 'custom', message: `${words} ${fault}` })
      }
    })
    .transform((value) => value as string)
    .meta({ type: 'string', minLength: 1, maxLength: maximum })
}
