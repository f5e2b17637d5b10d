import { randomInt } from 'node:crypto'

const adjectives =
  'agile amber bold brave bright brisk calm clever cosmic crisp curious daring eager early fancy fast fearless festive fine fond friendly gentle glad golden grand happy honest humble jolly keen kind lively lucky lunar mellow merry mighty modest neat nimble noble patient plucky polite proud quick quiet rapid relaxed restful shiny silent sleek smart smooth snappy sober solar sunny surprised swift tidy tranquil vivid warm wise witty zesty'.split(
    ' ',
  )
const nouns =
  'antelope badger bat bear beaver bilby bison bonobo buffalo camel cheetah cougar coyote crane dingo dolphin eagle echidna elk emu falcon ferret finch fossa fox gazelle gecko gerbil giraffe gnu hare hedgehog heron hippo ibis iguana impala jackal jaguar kangaroo koala kudu lemur leopard lion llama lynx manatee marmot meerkat mongoose moose newt numbat ocelot okapi orca oryx otter owl panda pangolin parrot pelican platypus puffin quokka rabbit raven seal serval sloth squirrel swan tapir tiger toucan turtle vole wallaby walrus weasel wolf wombat yak zebra'.split(
    ' ',
  )

/** Words that make a host unlike others: `<adjective>-<noun>-<two letters>`. */
export function randomRouteWords(): string {
  return `${oneOf(adjectives)}-${oneOf(nouns)}-${letter()}${letter()}`
}

const oneOf = (words: readonly string[]): string => words[randomInt(words.length)] ?? ''
const letter = (): string => String.fromCharCode(0x61 + randomInt(26))
