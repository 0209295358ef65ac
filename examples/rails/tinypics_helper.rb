# app/helpers/tinypics_helper.rb: <%= image_tag tinypics_url(user.avatar.key, "128x128.auto", version: user.avatar_etag) %>
require "erb"
require "json"
require "openssl"

module TinypicsHelper
  # name is RENDITION.EXT. sign: true is for renditions that the stack does not list; expires is a Time.
  def tinypics_url(key, name, version: nil, sign: false, expires: nil)
    query = {}
    query[:v] = version.delete('"')[0, 8] if version
    if sign
      keys = JSON.parse(ENV.fetch("TINYPICS_SECRET"))
      id = keys.keys.max
      last = expires ? ((expires.to_i / 86_400.0).ceil * 86_400).to_s : ""
      digest = OpenSSL::HMAC.digest("SHA256", keys[id], "tinypics1\n#{key}\n#{name}\n#{last}")
      query[:s] = id + [digest[0, 16]].pack("m0").tr("+/", "-_").delete("=")
      query[:e] = last unless last.empty?
    end
    path = "#{key}/#{name}".split("/").map { |part| ERB::Util.url_encode(part) }.join("/")
    parameters = query.map { |pair| pair.join("=") }.join("&")
    "#{ENV.fetch("TINYPICS_URL").chomp("/")}/#{path}#{"?#{parameters}" unless parameters.empty?}"
  end
end
