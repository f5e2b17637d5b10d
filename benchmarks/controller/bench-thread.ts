import { serveRequests } from '@vcap/reactor/thread'
import { openThreadServices } from '../../packages/cloud-controller/src/threads/thread-services.ts'
import { benchApp } from './bench-app.ts'

const app = benchApp(await openThreadServices())
serveRequests((request, env) => app.fetch(request, env))
