import { serveJobs } from '@vcap/reactor/thread'
import { asRequest } from '../logs/request-context.ts'
import { work } from './job-work.ts'
import { openThreadServices } from './thread-services.ts'

/** The file that job threads run: work that outlives a request, and messages from the bus that need the database. */
const services = await openThreadServices()

serveJobs(({ name, argument, requestId }) => asRequest(requestId, () => work(services, name, argument)), {
  onEnd: () => services.db.destroy(),
})
