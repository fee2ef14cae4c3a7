// One worker for one queue. Copy this file to the top of your project, where `.venv` lies.
// docs/deploy/pm2.md says why each line is there.
module.exports = {
  apps: [
    {
      name: 'rowcrew-cost-collection',
      cwd: __dirname,
      script: '.venv/bin/rowcrew',
      args: 'worker --queue cost_collection',
      interpreter: 'none',
      exec_mode: 'fork',
      instances: 1,
      treekill: false,
      kill_timeout: 30000, // milliseconds: SHUTDOWN_GRACE + 5 s
      max_memory_restart: '512M',
      exp_backoff_restart_delay: 100,
      stop_exit_codes: [2],
      env: {
        SHUTDOWN_GRACE: '25',
        WORKER_MAX_MEMORY: '512M',
      },
    },
  ],
}
