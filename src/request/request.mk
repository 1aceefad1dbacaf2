# The request layer: jsonb bodies to checked structs.
REQUEST_OBJS = \
	src/request/violation.o \
	src/request/text.o \
	src/request/domain.o \
	src/request/email.o \
	src/request/url.o \
	src/request/phone.o \
	src/request/phone_table.o \
	src/request/phone_ranges.o \
	src/request/contact.o \
	src/request/json_reader.o \
	src/request/field_checks.o \
	src/request/digest.o \
	src/request/public_key.o \
	src/request/soft_json.o \
	src/request/form_fields.o \
	src/request/multipart.o \
	src/request/picture.o \
	src/request/body.o \
	src/request/callback.o \
	src/request/carrier_answer.o \
	src/request/carrier_text.o \
	src/request/signature.o \
	src/request/literal_key.o \
	src/request/stop_words.o \
	src/request/receipt_meaning.o \
	src/request/receipt_reader.o \
	src/request/group_request.o \
	src/request/group_request_v2.o

REQUEST_LIBS = -lidn2 -luriparser -lphonenumber -lprotobuf -lstdc++ -lcrypto
