import { serveRequests } from '@vcap/reactor/thread'
import { createApp } from '../http/app.ts'
import { tokenVerifier } from '../http/token-verifier.ts'
import { openThreadServices } from './thread-services.ts'

/** The file that request threads run: one request at a time, from start to end. */
const services = await openThreadServices()
const { uaa } = services.settings
const app = createApp({ ...services, verifyToken: tokenVerifier(uaa.internalUrl ?? uaa.url) })

serveRequests((request, env) => app.fetch(request, env), { onEnd: () => services.db.destroy() })
