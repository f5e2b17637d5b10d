import { ApiError, apiError } from '../../errors/api-error.ts'

/** What is the manifest's fault, and not the caller's rights or the platform's state. */
const manifestFaults: readonly number[] = [apiError('UnprocessableEntity').code, apiError('ResourceNotFound').code]

/** Says before what is wrong with a manifest where in it that is: "For application 'hello': ". */
export async function withFaultContext<T>(context: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ApiError) || !manifestFaults.includes(error.code)) throw error
    const bodies = error.bodies.map((body) => ({ ...body, detail: `${context}${body.detail}` }))
    throw new ApiError(error.status, bodies, { cause: error })
  }
}

export const forApplication = (name: string): string => `For application '${name}': `
