# Obeys the tests for the page of Rails; orders and answers as in python_driver.py.
require "active_record"
require "json"

settings = ENV["POOLED"] ? { prepared_statements: false } : {}
ActiveRecord::Base.establish_connection({ url: ARGV.last }.merge(settings))
require_relative "models"
require_relative "people"

def obey(order, value)
  return send(order, value).to_s unless order == "read"

  job = read(value)
  [job.status, job.result.nil? ? "" : JSON.generate(job.result), job.errorMessage].join("\t")
end

$stdin.each_line do |line|
  answer = begin
    obey(*line.chomp.split(" ", 2))
  rescue StandardError => error
    "error: #{error.message.lines.first}"
  end
  $stdout.puts(answer)
  $stdout.flush
end
