# What the page of Rails warns of; a line `name=value` each.
require "active_record"
require "active_record/schema_dumper"
ActiveRecord::Base.establish_connection(ARGV.last)
require_relative "models"

def told
  yield.to_s
rescue StandardError => error
  "#{error.class}: #{error.message.lines.first.chomp}"
end

class PlainJob < ActiveRecord::Base
  self.table_name = "jobs"
end

class RenamedJob < ActiveRecord::Base
  self.table_name = "jobs"
  self.inheritance_column = nil
  alias_attribute :error_message, :errorMessage
end

id = Job.create!(type: "nobody_serves_this", payload: {}).id
puts "made=#{told { PlainJob.create!(type: "nobody_serves_this", payload: {}) }}"
puts "read=#{told { PlainJob.find(id) }}"
Job.where(id: id).update_all(errorMessage: "late")
puts "renamed=#{told { RenamedJob.find(id).error_message }}"

dump = StringIO.new
ActiveRecord::SchemaDumper.dump(ActiveRecord::Base.connection, dump)
puts "dumped=#{dump.string.include?('create_table "jobs"')}"
puts "dumped_triggers=#{dump.string.downcase.include?("trigger")}"
require_relative "initializer"
dump = StringIO.new
ActiveRecord::SchemaDumper.dump(ActiveRecord::Base.connection, dump)
puts "dumped_then=#{dump.string.scan(/create_table "(\w+)"/).join(" ")}"
