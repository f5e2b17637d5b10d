import { z } from 'zod'

/** A process type of the app, or with `sidecarFor` a process that runs beside those types. */
export interface LaunchProcess {
  readonly type: string
  readonly command: string
  readonly sidecarFor: readonly string[]
  readonly memoryInMb?: number | undefined
}

const Text = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const Commands = z.record(z.string(), Text)

const Release = z
  .object({ default_process_types: Commands.nullish(), config_vars: Commands.nullish() })
  .nullish()
  .transform((release) => ({
    processes: processesOf(release?.default_process_types ?? {}),
    variables: release?.config_vars ?? {},
  }))
/** What bin/release prints. */
export type Release = z.infer<typeof Release>

const LaunchFile = z
  .object({
    processes: z
      .array(
        z.object({
          type: z.string(),
          command: Text,
          limits: z.object({ memory: z.number().nullish() }).nullish(),
          platforms: z
            .object({ cloudfoundry: z.object({ sidecar_for: z.array(z.string()).nullish() }).nullish() })
            .nullish(),
        }),
      )
      .nullish(),
  })
  .nullish()
  .transform((file) =>
    (file?.processes ?? []).map(
      ({ type, command, limits, platforms }): LaunchProcess => ({
        type,
        command,
        sidecarFor: platforms?.cloudfoundry?.sidecar_for ?? [],
        memoryInMb: limits?.memory ?? undefined,
      }),
    ),
  )

const BuildpackConfig = z
  .object({ name: Text.nullish(), version: Text.nullish() })
  .nullish()
  .transform((config) => ({ name: config?.name ?? null, version: config?.version ?? null }))
/** deps/<index>/config.yml: what a buildpack calls itself. */
export type BuildpackConfig = z.infer<typeof BuildpackConfig>

/** These throw for text that is no YAML, or YAML of another shape. */
export const parseRelease = (text: string) => parseYaml(text, Release)
export const parseLaunchFile = (text: string) => parseYaml(text, LaunchFile)
export const parseBuildpackConfig = (text: string) => parseYaml(text, BuildpackConfig)
export const parseProcfile = async (text: string) => processesOf((await parseYaml(text, Commands.nullish())) ?? {})

/** The second list's processes take the place of those of the same type in the first (buildpackapplifecycle resources/launch.go). */
export function mergeProcesses(first: readonly LaunchProcess[], second: readonly LaunchProcess[]): LaunchProcess[] {
  const byType = new Map(first.map((process) => [process.type, process]))
  for (const process of second) byType.set(process.type, process)
  return [...byType.values()]
}

async function parseYaml<T>(text: string, schema: z.ZodType<T>): Promise<T> {
  const { parse } = await import('yaml')
  return schema.parse(parse(text, { maxAliasCount: 100 }))
}

function processesOf(commands: Record<string, string>): LaunchProcess[] {
  return Object.entries(commands).map(([type, command]) => ({ type, command, sidecarFor: [] }))
}
